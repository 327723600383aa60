"""Token text to verified claims. The only part of the library that knows how tokens are signed; it logs nothing."""

from policy.tokens.inspection import Checked, Inspection
from policy.tokens.presented import Presented
from policy.tokens.seen import SeenInFile, SeenInMemory, SeenProofs
from policy.tokens.verified import Verified
from policy.tokens.verifier import HasIssuers, KeyProblems, TokenVerifier

__all__ = [
    "Checked",
    "HasIssuers",
    "Inspection",
    "KeyProblems",
    "Presented",
    "SeenInFile",
    "SeenInMemory",
    "SeenProofs",
    "TokenVerifier",
    "Verified",
]
