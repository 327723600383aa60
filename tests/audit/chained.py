"""A small writer of chained logs, apart from the one of the library: what it writes is what the format says."""

import gzip
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from policy.audit.anchors import Head
from policy.audit.chain import Chain, Sealer
from policy.audit.seals import sealer

KEY = b"a secret of more than thirty-two bytes"
OTHER_KEY = b"another secret of more than thirty-two bytes"
START = 1_795_824_733


def dumped(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


class Writer:
    """One chain. Files are called by the writer's name and their part; each record takes a second."""

    def __init__(
        self, folder: Path, writer: str = "a", *, stream: str = "decisions", key: bytes | None = None, every: int = 0
    ) -> None:
        self.folder, self.stream, self.writer = folder, stream, (writer * 16)[:16]
        self.chain = Chain()
        self.sealer: Sealer | None = None if key is None else sealer(key)
        self.every = every
        self.part = self.count = 0
        self.after: dict[str, Any] | None = None
        self.begin()

    @property
    def path(self) -> Path:
        return self.folder / f"{self.stream}-{self.writer[:1]}{self.part}.jsonl"

    @property
    def head(self) -> Head:
        sequence, head = self.chain.position
        return Head(self.writer, self.stream, self.part, self.path.name, sequence - 1, head, self.time)

    @property
    def time(self) -> str:
        return f"2026-11-28T00:{self.count // 60:02}:{self.count % 60:02}.000000Z"

    def begin(self) -> None:
        self.part += 1
        own = self.path.name
        beside = {
            path.name: path.stat().st_size
            for path in sorted(self.folder.iterdir())
            if ".jsonl" in path.name and path.name != own and not path.name.endswith(".torn")
        }
        about = {"part": self.part, "file": own, "process": 7, "host": "h", "durability": "batched"}
        self._add({**self._told("begin"), **about, "after": self.after, "beside": beside})

    def record(self, count: int = 1) -> "Writer":
        for _ in range(count):
            self.count += 1
            told = {"v": 2, "kind": "request", "id": f"{self.count:032x}", "time": self.time, "now": START + self.count}
            self._add({**told, "outcome": "allow", "text": f'a "quoted" word {self.writer}'})
            if self.every and self.count % self.every == 0:
                self.checkpoint()
        return self

    def checkpoint(self, kind: str = "checkpoint") -> "Writer":
        body = dumped({**self._told(kind), "records": self.count})
        self._append(self.chain.seal(body, self.sealer))
        return self

    def end(self) -> "Writer":
        return self.checkpoint("end")

    def rotate(self) -> "Writer":
        self.checkpoint()
        self.after = {"file": self.path.name, "size": self.path.stat().st_size}
        self.begin()
        return self

    def retired(self, row: Mapping[str, Any]) -> "Writer":
        self.add_retired(row)
        return self.checkpoint()

    def add_retired(self, row: Mapping[str, Any]) -> None:
        self._add({"v": 2, "kind": "retired", "id": "0" * 32, "time": self.time, **row})

    def after_row(self) -> dict[str, Any]:
        """What a record of removal tells of the first file: of the one before this one, else of this one."""
        name = self.path.name if self.after is None else str(self.after["file"])
        last = (self.folder / name).read_bytes().splitlines()[-1]
        about = {"file": name, "writer": self.writer, "stream": self.stream}
        return {**about, "last": json.loads(last)["seq"], "head": sha256(last).hexdigest()}

    def _told(self, kind: str) -> dict[str, Any]:
        own = {"writer": self.writer, "stream": self.stream}
        return {"v": 2, "kind": kind, "id": "f" * 32, "time": self.time, **own}

    def _add(self, value: Mapping[str, Any]) -> None:
        self._append(self.chain.link(dumped(value)))

    def _append(self, line: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(line)


def compressed(path: Path) -> Path:
    made = path.with_name(f"{path.name}.gz")
    made.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return made
