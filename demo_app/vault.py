"""The demo's secrets: made at its first start, kept in one folder, and never part of the policy."""

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from flask import current_app

from policy.tokens.issue import generate_key

KEY_ID: Final = "demo"


class Vault(NamedTuple):
    """Two issuers' keys, and what the demo's users and machines log in with.

    `private_key` is PEM text and `public_key` a JWK; `password` and `code` (the second factor) are the same for all.
    """

    private_key: str
    public_key: dict[str, Any]
    tutorial_secret: str
    password: str
    code: str


def open_vault(folder: Path) -> Vault:
    """The vault in this folder, made if it is not there, with the two files that the policy names beside it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "vault.json"
    if not file.exists():
        _write(file, json.dumps(_new_vault()._asdict(), indent=2) + "\n", keep=True)
    vault = Vault(**json.loads(file.read_text("utf-8")))
    _write(folder / "issuer.jwks.json", json.dumps({"keys": [vault.public_key]}, indent=2) + "\n")
    _write(folder / "tutorial.secret", vault.tutorial_secret + "\n")
    return vault


def current_vault() -> Vault:
    """The vault of the running application."""
    return cast("Vault", current_app.extensions["vault"])


def _new_vault() -> Vault:
    private_key, public_key = generate_key("ES256", kid=KEY_ID)
    return Vault(
        private_key=private_key,
        public_key=public_key,
        tutorial_secret=secrets.token_urlsafe(48),
        password=secrets.token_urlsafe(12),
        code=f"{secrets.randbelow(1_000_000):06}",
    )


def _write(file: Path, text: str, *, keep: bool = False) -> None:
    """Write a file whole or not at all, for its owner alone; with `keep`, only if there is none.

    Workers that start at the same time end up with one vault: a link, unlike a rename, is made by the first alone.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_text(text, "utf-8")
        if not keep:
            draft.replace(file)
            return
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
