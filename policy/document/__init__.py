"""JSON texts to one checked, merged document. Opens no file."""

from policy.document.loading import read
from policy.document.reading import Source
from policy.document.schema import json_schema

__all__ = ["Source", "json_schema", "read"]
