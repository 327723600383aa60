"""What becomes of identifying fields of a record before they are written."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol


class Treatment(Protocol):
    """What becomes of identifying fields before they are written."""

    @property
    def treated(self) -> Mapping[str, str]:
        """By field, such as `subject.id`, what is done to it: `masked`, `hashed`, `dropped` or `erasable`."""

    @property
    def epoch(self) -> int:
        """A number that changes when what was made of a value may not be written again."""

    @property
    def treated_unknown(self) -> Mapping[str, str]:
        """The same of records that anybody at all can bring about."""

    def apply(self, field: str, value: str) -> str | None:
        """What is written in place of the value."""

    def apply_to_unknown(self, field: str, value: str) -> str | None:
        """What is written in place of a value that anybody at all may have sent."""


class Untreated:
    """Every field is written as it is."""

    treated: Final[Mapping[str, str]] = MappingProxyType({})
    epoch: Final = 0

    treated_unknown: Final[Mapping[str, str]] = MappingProxyType({})

    def apply(self, field: str, value: str) -> str | None:  # noqa: ARG002
        """The value itself."""
        return value

    apply_to_unknown = apply
