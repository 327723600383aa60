"""Writers and readers of the log of decisions."""

from policy.audit.log import AuditLog, AuditSink
from policy.audit.reader import find, records

__all__ = ["AuditLog", "AuditSink", "find", "records"]
