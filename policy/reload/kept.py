"""Accepted policies kept in a folder by their digest, and which of them each worker decides by."""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from policy.engine import Policy
from policy.errors import PolicyError
from policy.reload.snapshot import Snapshot


class Kept:
    """The `state=` folder: `DIGEST.json` for each accepted policy, `last-….json` for each path, and the workers."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder: Final = Path(folder)

    def keep(self, snapshot: Snapshot, digest: str) -> None:
        """Keep an accepted policy as the last one of its path; `OSError` where the folder does not take it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / f"{digest}.json", snapshot.as_json())
        _replace(self._pointer(snapshot.path), json.dumps({"path": snapshot.path, "digest": digest}))

    def last(self, path: str | os.PathLike[str]) -> Policy | None:
        """The policy accepted last for a path, `None` where none was, or where it is not what was kept any more."""
        try:
            digest = json.loads(self._pointer(str(Path(path).absolute())).read_text("utf-8"))["digest"]
            return self.named(digest)
        except (OSError, ValueError, KeyError, PolicyError):
            return None

    def named(self, digest: str) -> Policy:
        """The accepted policy with this digest.

        `OSError`, `ValueError` or `KeyError` where it is not there, `PolicyError` where it is not what was kept.
        """
        found = Snapshot.from_json((self.folder / f"{digest}.json").read_text("utf-8")).load()
        if found.digest != digest:
            raise PolicyError(f"what is kept as `{digest}` has another digest: {found.digest}")
        return found

    def _pointer(self, path: str) -> Path:
        return self.folder / f"last-{hashlib.sha256(path.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.json"

    def tell(self, digest: str) -> None:
        """Note which policy this process decides by; a folder that does not take it is left alone."""
        with suppress(OSError):
            workers = self.folder / "workers"
            workers.mkdir(parents=True, exist_ok=True)
            _replace(workers / f"{os.getpid()}.json", json.dumps({"digest": digest, "since": time.time()}))

    def workers(self) -> dict[int, str]:
        """The digest that each living process decides by; notes of those that have ended are removed."""
        found: dict[int, str] = {}
        for note in sorted((self.folder / "workers").glob("*.json")):
            with suppress(OSError, ValueError, KeyError):
                if _is_alive(int(note.stem)):
                    found[int(note.stem)] = json.loads(note.read_text("utf-8"))["digest"]
                else:
                    note.unlink()
        return found


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _replace(path: Path, text: str) -> None:
    """Put a whole file in place at once: whoever reads it finds the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def outside(folder: Path, policy: str | os.PathLike[str]) -> Path:
    """The folder, if it does not lie in the policy's own; `PolicyError` otherwise: state is no part of a policy."""
    if folder.absolute() == Path(policy).absolute():
        raise PolicyError(f"accepted policies cannot be kept in the policy folder `{policy}` itself")
    return folder
