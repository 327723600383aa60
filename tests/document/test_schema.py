"""The JSON Schema that editors use."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from policy.document import json_schema

SMALLEST = {
    "$schema": "policy.schema.json",
    "permissions": {"read:data": "Read records"},
    "issuers": {
        "https://id.example.com/": {
            "profile": "plain",
            "audience": "https://api.example.com",
            "algorithms": ["RS256"],
            "keys": {"jwks_file": "id.jwks.json"},
            "authority": {"user": "scopes", "machine": "scopes"},
        }
    },
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}


def accepts(schema: Any, value: Any) -> bool:
    """Whether a value fits, as far as this schema's few words go."""
    if "$ref" in schema:
        return accepts(json_schema()["$defs"][schema["$ref"].removeprefix("#/$defs/")], value)
    if "anyOf" in schema:
        return any(accepts(each, value) for each in schema["anyOf"])
    if not isinstance(value, TYPES.get(schema.get("type", ""), object)) or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, dict):
        rest = schema.get("additionalProperties", {})
        known = schema.get("properties", {})
        return set(schema.get("required", ())) <= set(value) and all(
            accepts(known[key], each) if key in known else rest is not False and accepts(rest, each)
            for key, each in value.items()
        )
    return not isinstance(value, list) or all(accepts(schema["items"], each) for each in value)


def undescribed(schema: Any, path: str = "") -> Iterator[str]:
    """The keys that an editor could not explain."""
    for name, shape in schema.get("$defs", {}).items():
        yield from undescribed(shape, name)
    for key, shape in schema.get("properties", {}).items():
        if "description" not in shape:
            yield f"{path}.{key}"


def test_shipped_schema_is_the_one_that_checks() -> None:
    """The file that is shipped is what the checking types say; `python -m policy.document` prints it."""
    shipped = json.loads(files("policy").joinpath("policy.schema.json").read_text("utf-8"))
    assert shipped == json_schema()


def test_smallest_policy_fits() -> None:
    """The smallest useful policy fits the schema."""
    assert accepts(json_schema(), SMALLEST)


def test_unknown_key_does_not_fit() -> None:
    """An editor marks a key that the loader would refuse."""
    assert not accepts(json_schema(), {**SMALLEST, "rolls": {}})


def test_every_key_is_explained() -> None:
    """Every key has a description."""
    assert list(undescribed(json_schema())) == []
