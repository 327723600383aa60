"""The tour on paper: aligned columns, and colour where a person looks at it."""

import os
from typing import Any, Final, TextIO

from demo_app.tour.walk import Record, Visit

BOLD: Final = "1"
DIM: Final = "2"
GREEN: Final = "32"
RED: Final = "31"
_COLUMNS: Final = "{number:>2}  {who:<27} {asked:<29} {status:>3} {told:>4}  {reason:<18}"


class Page:
    """Writes to a stream, a line at a time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def line(self, text: str = "", *styles: str) -> None:
        """One line, in these styles on a terminal."""
        styled = self.styled(text, *styles) if text else ""
        print(styled, file=self._stream, flush=True)

    def styled(self, text: str, *styles: str) -> str:
        """The text in these styles, or as it is where nobody would see them."""
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if styles and self._coloured else text

    def chapter(self, title: str) -> None:
        """A heading, and the names of the columns."""
        self.line()
        self.line(title, BOLD)
        names = {"number": "", "who": "who", "asked": "asks for", "status": "got", "told": "told", "reason": "reason"}
        self.line(_COLUMNS.format(**names).rstrip(), DIM)

    def visit(self, number: int, visit: Visit) -> None:
        """A request, its answer beside the one that was told, and its record."""
        row = _COLUMNS.format(
            number=number,
            who=visit.step.who,
            asked=visit.asked,
            status=visit.reply.status,
            told=visit.step.status,
            reason=visit.reason,
        )
        verdict = self.styled("NOT AS TOLD", RED, BOLD) if visit.faults else self.styled("as told", GREEN)
        self.line(f"{row} {verdict}")
        self.line(f"    {recorded(visit.record)}", DIM)
        for fault in visit.faults:
            self.line(f"    {fault}", RED)
        if visit.step.shows and not visit.faults:
            self.line(f"    answer: {visit.step.shows}", DIM)


def recorded(record: Record | None) -> str:
    """The essentials of an audit record."""
    if record is None:
        return "log: nothing, nobody was asked who they are"
    start = f"log {record['id'][:8]}: {record['outcome']}"
    if record["kind"] == "refused":
        return f"{start}, token not accepted" + (f": {record['detail']}" if record["detail"] else "")
    verdicts = [_verdict(one) for one in record["permissions"]] or ["a valid token is all it takes"]
    return f"{start} {_subject(record['subject'])}, {', '.join(verdicts)}"


def _subject(subject: dict[str, Any]) -> str:
    roles = [*subject["roles"], *(role for role, _ in subject["assigned"])]
    return f"{subject['kind']} {subject['id']}" + (f" ({', '.join(roles)})" if roles else "")


def _verdict(verdict: dict[str, Any]) -> str:
    rules = f" by {', '.join(verdict['rules'])}" if verdict["rules"] else ""
    return f"{verdict['permission']} {'yes' if verdict['allowed'] else 'no'}{rules}"
