"""Real signed tokens for the tests of an application, in the shape of its own issuers. Nothing is switched off.

With pytest the fixture `policy_issuer` is there by itself; elsewhere it is `with PolicyIssuer() as policy_issuer:`.
"""

from policy.testing.issuer import PolicyIssuer
from policy.testing.wanted import CannotSay

__all__ = ["CannotSay", "PolicyIssuer"]
