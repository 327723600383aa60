"""Token text to verified claims. The only part of the library that knows how tokens are signed; it logs nothing."""

from policy.tokens.inspection import Checked, Inspection
from policy.tokens.verifier import HasIssuers, KeyProblems, TokenVerifier, Verified

__all__ = ["Checked", "HasIssuers", "Inspection", "KeyProblems", "TokenVerifier", "Verified"]
