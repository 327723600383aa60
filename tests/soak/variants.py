"""Policies that differ in every file, so that any mixture of two of them decides as neither does."""

import json
from pathlib import Path

from policy import Policy
from tests.issuing import DOCUMENT, ISSUER

PARTS = 10
PERMISSIONS = tuple(f"use:{number}" for number in range(PARTS))
HELD = tuple(f"role-{number}" for number in range(PARTS // 2))


def texts(variant: int) -> dict[str, str]:
    """The documents of one variant by file name: role `i` grants the permission `i + variant`, each in its own file."""
    documents: dict[str, object] = {
        "permissions.json": {"permissions": {"read:data": "", **dict.fromkeys(PERMISSIONS, f"variant {variant}")}},
        "issuer.json": {
            "roles": {"reader": {"grants": ["read:data"]}},
            "issuers": {ISSUER: {**DOCUMENT["issuers"][ISSUER], "authority": {"user": "roles"}}},
        },
    }
    for number in range(PARTS):
        role = {"description": f"variant {variant}", "grants": [PERMISSIONS[(number + variant) % PARTS]]}
        documents[f"role-{number}.json"] = {"roles": {f"role-{number}": role}}
    return {name: json.dumps(document) for name, document in documents.items()}


def may(variant: int) -> list[str]:
    """What the holder of `HELD` may do under a variant."""
    return sorted(PERMISSIONS[(number + variant) % PARTS] for number in range(len(HELD)))


def write(folder: Path, variant: int) -> str:
    """Write a variant as a folder, and give its digest."""
    folder.mkdir(parents=True)
    for name, text in texts(variant).items():
        (folder / name).write_text(text, encoding="utf-8")
    return Policy.load(folder).digest
