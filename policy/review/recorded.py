"""The policies by which a log was decided, found again by their digests."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from policy.document import Source, read
from policy.engine import Policy
from policy.errors import ClaimsPolicyError, PolicyError
from policy.files import is_document
from policy.reload.kept import Kept

_SECONDS: Final = 60


class Place(Protocol):
    """Where policies are found."""

    def find(self, digest: str) -> Policy | None:
        """The policy with this digest, if it is there."""


class Given:
    """Policies that are at hand."""

    def __init__(self, rules: Iterable[Policy]) -> None:
        self._rules: Final = {each.digest: each for each in rules}

    def find(self, digest: str) -> Policy | None:
        """The policy with this digest, if it is one of these."""
        return self._rules.get(digest)


class Beside:
    """The accepted policies that are kept beside a log: in its folder's `policies`, or in the one next to it."""

    def __init__(self, log: Path) -> None:
        folder = log if log.is_dir() else log.parent
        self._folders: Final = [Kept(folder / "policies"), Kept(folder.absolute().parent / "policies")]

    def find(self, digest: str) -> Policy | None:
        """The policy kept under this digest; one that was changed since is none."""
        for kept in self._folders if digest.isalnum() else ():
            try:
                return kept.named(digest)
            except (OSError, ValueError, KeyError, PolicyError):
                continue
        return None


class Git:
    """All versions of a policy in a repository, the newest first; each is loaded once, and only until one fits."""

    def __init__(self, repository: str, path: str) -> None:
        self._repository: Final = repository
        self._path: Final = path.strip("/") or "."
        self._found: dict[str, Policy] = {}
        self._versions: Final = self._all()

    def find(self, digest: str) -> Policy | None:
        """The policy with this digest, if a commit had it.

        `ClaimsPolicyError` where there is no such repository, or where git is not installed.
        """
        while digest not in self._found:
            rules = next(self._versions, None)
            if rules is None:
                return None
            self._found[rules.digest] = rules
        return self._found[digest]

    def _all(self) -> Iterator[Policy]:
        """The versions that load; one that never did cannot have decided anything."""
        seen: set[bytes] = set()
        commits = self._git("log", "--all", "--format=%H", "--", self._path).decode().split()
        for commit in commits:
            listed = self._git("ls-tree", "-z", commit, "--", *self._listed(commit))
            if listed not in seen:
                seen.add(listed)
                try:
                    yield Policy(read(list(self._sources(listed))))
                except PolicyError:
                    continue

    def _listed(self, commit: str) -> Sequence[str]:
        """What names the policy's documents to git: a folder's entries, or the one file."""
        whole = self._git("ls-tree", "-z", commit, "--", self._path).split(b"\0")[0]
        return [f"{self._path}/"] if self._path == "." or whole.split(b" ")[1:2] == [b"tree"] else [self._path]

    def _sources(self, listed: bytes) -> Iterator[Source]:
        for entry in filter(None, listed.split(b"\0")):
            about, _, name = entry.decode("utf-8", "surrogateescape").partition("\t")
            _, kind, blob = about.split(" ")
            if kind == "blob" and (name == self._path or is_document(Path(name).name)):
                folder = Path(self._repository).absolute() / Path(name).parent
                yield Source(name, self._git("cat-file", "blob", blob), str(folder))

    def _git(self, *words: str) -> bytes:
        command = ["git", "-C", self._repository, *words]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        except OSError as error:
            raise ClaimsPolicyError(f"git cannot be run: {(error.strerror or 'unknown reason').lower()}") from error
        except subprocess.TimeoutExpired as error:
            raise ClaimsPolicyError(f"git takes longer than {_SECONDS} seconds in `{self._repository}`") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise ClaimsPolicyError(f"git does not read `{self._repository}`: {said}")
        return done.stdout


class Finder:
    """Looks for a policy in several places, and for each only once."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places: Final = places
        self._known: dict[str, Policy | None] = {}

    def find(self, digest: str) -> Policy | None:
        """The policy with this digest, from the first place that has it."""
        if digest not in self._known:
            found = (place.find(digest) for place in self._places)
            self._known[digest] = next((each for each in found if each is not None), None)
        return self._known[digest]
