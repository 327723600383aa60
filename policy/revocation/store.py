"""Stores of revocations that a running service shares, and how one is named by a text."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from policy.errors import PolicyError, Problem
from policy.revocation.redis import SCHEMES, RedisRevocations
from policy.revocation.sqlite import SqliteRevocations
from policy.revoked import Facts, Key, Revocation

DOCUMENT: Final = ".json"


class Store(Protocol):
    """A store that can be changed. Every method raises `RevocationUnavailable` where it cannot be reached."""

    @property
    def problems(self) -> Sequence[Problem]:
        """None: what is committed is in force."""

    def find(self, facts: Facts) -> str | None:
        """Why a token is revoked, or `None`."""

    def create(self) -> None:
        """Make the store, empty, where there is none yet; one that is there stays as it is."""

    def add(self, entry: Revocation) -> Revocation:
        """Revoke; the entry as it stands now. What was refused before stays refused."""

    def remove(self, key: Key) -> bool:
        """Take an entry back; whether there was one."""

    def entries(self) -> Iterable[Revocation]:
        """Everything that is revoked, in the order of issuer, what and value."""

    def purge(self, now: float) -> int:
        """Forget what may be forgotten by now; how many that were."""


def shown(name: str) -> str:
    """A store's name without the user, the password and the options of its address."""
    return re.sub(r"(?<=://)[^/]*@", "", name).partition("?")[0] if "://" in name else name


def open_store(name: str | os.PathLike[str]) -> Store:
    """The store at a path (SQLite) or at an address (`redis://`, `rediss://`, `unix://`); nothing is opened yet.

    `PolicyError` where the name is that of a document, which is changed with an editor, or where a package is missing.
    """
    text = os.fspath(name)
    if text.startswith(SCHEMES):
        return RedisRevocations(text)
    if text.endswith(DOCUMENT):
        raise PolicyError(f"`{text}` is a document: revoke with an editor, it is taken within two seconds")
    if "://" in text:
        raise PolicyError(f"`{text.partition('://')[0]}://` is no store: give a path, or an address with `redis://`")
    return SqliteRevocations(text)
