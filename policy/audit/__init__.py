"""Writers and readers of the log of decisions."""

from policy.audit.log import AuditLog
from policy.audit.logger import LoggingSink
from policy.audit.named import sink
from policy.audit.reader import find, records
from policy.audit.sinks import AuditSink
from policy.audit.stdout import StdoutSink
from policy.audit.tail import Tail

__all__ = ["AuditLog", "AuditSink", "LoggingSink", "StdoutSink", "Tail", "find", "records", "sink"]
