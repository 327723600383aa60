"""The JSON Schema of a policy document as a page to read: one table for each kind of object, by where it stands."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from docs.generate.tables import code, one_of, table

Schema = dict[str, Any]
WHOLE: Final = "A document"
_WORDS: Final = {"string": "text", "boolean": "`true` or `false`", "object": "object"}


def as_markdown() -> str:
    """All sections."""
    return Reference(json.loads(files("policy").joinpath("policy.schema.json").read_text("utf-8"))).as_markdown()


def slug(heading: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Reference:
    """A schema, and where each of its named objects stands in a document."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._places: dict[str, list[str]] = {}
        self._place(schema, "")

    def as_markdown(self) -> str:
        """The whole document first, then each object at the first place where it stands."""
        named = [(places, self._schema["$defs"][name]) for name, places in self._places.items()]
        return "\n".join([self._section([WHOLE], self._schema), *(self._section(*each) for each in named)])

    def _place(self, schema: Schema, at: str) -> None:
        """Note where objects stand, in the order of the document."""
        for name, inner, where in self._inside(schema, at):
            known = name in self._places
            if name is not None and where not in self._places.setdefault(name, []):
                self._places[name].append(where)
            if not known:
                self._place(inner, where)

    def _inside(self, schema: Schema, at: str) -> Iterator[tuple[str | None, Schema, str]]:
        """What a schema is made of: the name of a definition or none, its schema, and its place."""
        parts = [(each, f"{at}.{key}".lstrip(".")) for key, each in schema.get("properties", {}).items()]
        parts += [(each, at) for each in schema.get("anyOf", ())]
        parts += [(schema["items"], f"{at}[]")] if "items" in schema else []
        more = schema.get("additionalProperties")
        parts += [(more, f"{at}.NAME")] if isinstance(more, dict) else []
        for each, where in parts:
            name = each.get("$ref", "").removeprefix("#/$defs/") or None
            yield name, self._schema["$defs"][name] if name else each, where

    def _section(self, places: list[str], schema: Schema) -> str:
        first, *others = places
        level = "##" if "." not in first.replace(".NAME", "") else "###"
        heading = f"{level} {first if first == WHOLE else code(first)}\n"
        also = f"The same at {', '.join(code(place) for place in others)}.\n" if others else ""
        needed = schema.get("required", ())
        rows = [
            (code(key), self._type(each), each.get("description", "") + (" Required." if key in needed else ""))
            for key, each in schema.get("properties", {}).items()
        ]
        parts = [heading, f"{schema.get('description', '')}\n", also]
        return "\n".join([part for part in parts if part] + [table(("key", "value", "meaning"), rows)])

    def _type(self, schema: Schema) -> str:
        if "$ref" in schema:
            return self._link(schema["$ref"].removeprefix("#/$defs/"))
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self._type(each) for each in schema["anyOf"]))
        if "enum" in schema or "const" in schema:
            return one_of(schema.get("enum") or [schema["const"]])
        if schema.get("type") == "array":
            return f"list: {self._type(schema['items'])}"
        if schema.get("type") == "integer":
            return _number(schema)
        more = schema.get("additionalProperties")
        if isinstance(more, dict):
            names = schema.get("propertyNames", {}).get("enum")
            return f"object: {one_of(names) if names else '`NAME`'} → {self._type(more)}"
        return _WORDS[schema["type"]]

    def _link(self, name: str) -> str:
        if "properties" not in self._schema["$defs"][name]:
            return self._type(self._schema["$defs"][name])
        return f"[object](#{slug(self._places[name][0])})"


def _number(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        return f"integer, {least or 0} to {most}"
    return "integer" if least is None else f"integer, at least {least}"
