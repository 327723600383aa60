"""What a policy's path holds at one moment: the bytes of its documents, and of the key files they name."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from policy.document import Source, read
from policy.engine import Policy
from policy.errors import PolicyError
from policy.files import is_document, sources
from policy.model import Issuer

Stat = tuple[str, int, int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The documents of a policy as they were read together; `fingerprint` differs whenever a byte does."""

    path: str
    sources: tuple[Source, ...]
    fingerprint: str

    def load(self) -> Policy:
        """The policy they make; `PolicyError` with everything that is wrong."""
        return Policy(read(self.sources))

    def as_json(self) -> str:
        """A text that `from_json` reads again; the bytes are kept as they are, also those that are not UTF-8."""
        documents = [
            {"name": one.name, "folder": one.folder, "text": one.text.decode("latin-1")} for one in self.sources
        ]
        return json.dumps({"path": self.path, "fingerprint": self.fingerprint, "documents": documents})

    @classmethod
    def from_json(cls, text: str) -> "Snapshot":
        """A snapshot that was kept; `ValueError` or `KeyError` where the text is none."""
        found = json.loads(text)
        documents = tuple(
            Source(one["name"], one["text"].encode("latin-1"), one["folder"]) for one in found["documents"]
        )
        return cls(path=found["path"], sources=documents, fingerprint=found["fingerprint"])


def take(path: str | os.PathLike[str], keys: Iterable[Path] = ()) -> Snapshot:
    """Read everything at a path now, and the given key files; `PolicyError` where there is nothing to read."""
    found = sources(path)
    return Snapshot(path=str(Path(path).absolute()), sources=found, fingerprint=fingerprint(found, keys))


def fingerprint(documents: Iterable[Source], keys: Iterable[Path]) -> str:
    """The SHA-256, in hexadecimal, of documents as they were read and of key files as they are now."""
    whole = hashlib.sha256()
    for one in documents:
        whole.update(f"{one.name}\0{len(one.text)}\0".encode("utf-8", "surrogateescape") + one.text)
    for key in keys:
        whole.update(f"{key}\0".encode("utf-8", "surrogateescape") + _bytes(key))
    return whole.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def key_files(issuers: Iterable[Issuer]) -> tuple[Path, ...]:
    """The files of keys that a policy names; they are watched with its documents."""
    named = (name for issuer in issuers for name in (issuer.keys.jwks_file, issuer.keys.file) if name)
    return tuple(Path(name) for name in named)


def stats(path: str | os.PathLike[str], keys: Iterable[Path] = ()) -> tuple[Stat, ...]:
    """Names, times, sizes and numbers of all files: cheap to ask, and different whenever one of them was touched."""
    given = Path(path)
    try:
        inside = [one for one in given.iterdir() if is_document(one.name)] if given.is_dir() else [given]
    except OSError:
        inside = []
    return tuple(sorted(found for one in (*inside, *keys) if (found := _stat(one)) is not None))


def _stat(path: Path) -> Stat | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def unreadable(error: PolicyError) -> str:
    """The fingerprint of a path that cannot be read: what is said of it."""
    return f"unreadable: {error}"
