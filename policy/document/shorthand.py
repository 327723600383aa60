"""What the shapes of documents are made of: short forms, lists of names, and how strictly they are read."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

STRICT: Final = ConfigDict(extra="forbid", strict=True)


def shorthand(wanted: str) -> PydanticCustomError:
    """The refusal of a value that is neither the long nor the short form of something."""
    return PydanticCustomError("shorthand", "must be {wanted}", {"wanted": wanted})


def text_is(build: Callable[[str], Any], other: str, kind: type) -> Callable[[Any], Any]:
    """Take a text as the short form of something; `other` names the long form, for the refusal of anything else."""

    def widen(value: Any) -> Any:
        if isinstance(value, str):
            return build(value)
        if isinstance(value, kind):
            return value
        raise shorthand(f"a text or {other}")

    return widen


Text = Annotated[str, Field(min_length=1)]
listed: Final = text_is(lambda text: [text], "a list of texts", list)
UNIQUE: Final = Field(min_length=1, json_schema_extra={"uniqueItems": True})
Names = Annotated[list[Text], UNIQUE]
AcrValues = Annotated[list[Annotated[Text, Field(json_schema_extra={"pattern": r"^[!#-\[\]-~]+$"})]], UNIQUE]
Path = Annotated[list[str], Field(min_length=1)]
Description = Annotated[str, Field(description="What it is for, in a few words for a person.")]
TextOrNames = Annotated[Names, BeforeValidator(listed, json_schema_input_type=Text | Names)]
PathOrText = Annotated[Path, BeforeValidator(listed, json_schema_input_type=Text | Path)]
