"""Role and scope based authorization: declared in JSON, decided by a pure function, explained, and written down."""

from policy.audit import AuditLog
from policy.decision import Decision
from policy.engine import Permissions, Policy
from policy.errors import AuditUnavailable, ClaimsPolicyError, PolicyError, TokenRefused
from policy.guard import Guard
from policy.reasons import Reason
from policy.subject import Subject
from policy.tokens import TokenVerifier

__all__ = [
    "AuditLog",
    "AuditUnavailable",
    "ClaimsPolicyError",
    "Decision",
    "Guard",
    "Permissions",
    "Policy",
    "PolicyError",
    "Reason",
    "Subject",
    "TokenRefused",
    "TokenVerifier",
]
