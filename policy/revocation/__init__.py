"""Tokens that are taken back before they expire (RFC 7009): in a document, in SQLite, or in Redis."""

from policy.revocation.documents import RevocationDocuments
from policy.revocation.place import Places, revoked_beside
from policy.revocation.store import Store, open_store

__all__ = ["Places", "RevocationDocuments", "Store", "open_store", "revoked_beside"]
