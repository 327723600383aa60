"""Every reason this library gives, once, with the sentence that says it to a person."""

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Reason(StrEnum):
    """Why a decision came out as it did. The first twelve are in the order in which they are looked for."""

    UNKNOWN_PERMISSION = "unknown-permission"
    NO_AUTHORITY = "no-authority"
    TENANT_MISMATCH = "tenant-mismatch"
    SEPARATION_OF_DUTY = "separation-of-duty"
    DENY_CONDITION_ERROR = "deny-condition-error"
    DENIED_BY_RULE = "denied-by-rule"
    CONDITION_ERROR = "condition-error"
    CONDITION_FALSE = "condition-false"
    NO_ROLE_GRANTS_IT = "no-role-grants-it"
    SCOPE_MISSING = "scope-missing"
    STEP_UP_REQUIRED = "step-up-required"
    ALLOWED = "allowed"

    SUBJECT_MISMATCH = "subject-mismatch"
    GROUPS_OVERAGE = "groups-overage"
    ENDPOINT_UNDECLARED = "endpoint-undeclared"
    MARK_NOT_ENFORCED = "mark-not-enforced"
    NOT_SEALED = "not-sealed"
    RESOURCE_NOT_FOUND = "resource-not-found"
    RESOURCE_UNAVAILABLE = "resource-unavailable"

    AUDIT_UNAVAILABLE = "audit-unavailable"
    KEYS_UNAVAILABLE = "keys-unavailable"
    REVOCATION_UNAVAILABLE = "revocation-unavailable"
    PROOFS_UNAVAILABLE = "proofs-unavailable"

    TOKEN_ABSENT = "token-absent"
    TOKEN_HEADER = "token-header"
    TOKEN_TOO_LARGE = "token-too-large"
    TOKEN_NOT_ASCII = "token-not-ascii"
    TOKEN_PARTS = "token-parts"
    TOKEN_ENCODING = "token-encoding"
    TOKEN_JSON = "token-json"
    TOKEN_DUPLICATE_MEMBER = "token-duplicate-member"
    TOKEN_CRITICAL = "token-critical"
    TOKEN_KEY_IN_HEADER = "token-key-in-header"
    TOKEN_ALGORITHM = "token-algorithm"
    TOKEN_ISSUER = "token-issuer"
    TOKEN_KEY = "token-key"
    TOKEN_SIGNATURE = "token-signature"
    TOKEN_TYPE = "token-type"
    TOKEN_EXPIRED = "token-expired"
    TOKEN_NOT_YET_VALID = "token-not-yet-valid"
    TOKEN_ISSUED_IN_FUTURE = "token-issued-in-future"
    TOKEN_AUDIENCE = "token-audience"
    TOKEN_CLAIM_MISSING = "token-claim-missing"
    TOKEN_CLAIM_TYPE = "token-claim-type"
    TOKEN_NOT_ACCESS = "token-not-access"
    TOKEN_SUBJECT = "token-subject"
    TOKEN_CONFIRMATION = "token-confirmation"
    TOKEN_REVOKED = "token-revoked"
    TOKEN_UNBOUND = "token-unbound"
    TOKEN_PROOF = "token-proof"
    TOKEN_PROOF_REPLAYED = "token-proof-replayed"


SENTENCES: Final = MappingProxyType(
    {
        Reason.UNKNOWN_PERMISSION: "the policy does not declare this permission",
        Reason.NO_AUTHORITY: "the policy gives no authority to this kind of subject of this issuer",
        Reason.TENANT_MISMATCH: "the subject does not belong to the tenant that was asked for",
        Reason.SEPARATION_OF_DUTY: "the subject holds roles that must not be held together",
        Reason.DENY_CONDITION_ERROR: "the condition of a deny rule could not be evaluated, so the deny applies",
        Reason.DENIED_BY_RULE: "a deny rule applies",
        Reason.CONDITION_ERROR: "the condition of an allow rule could not be evaluated, so it does not apply",
        Reason.CONDITION_FALSE: "the condition of an allow rule is not met",
        Reason.NO_ROLE_GRANTS_IT: "no role of the subject grants it",
        Reason.SCOPE_MISSING: "no scope of the token covers it",
        Reason.STEP_UP_REQUIRED: "a stronger or more recent login is required",
        Reason.ALLOWED: "everything the policy asks for is there",
        Reason.SUBJECT_MISMATCH: "the subject is not the one named in the address",
        Reason.GROUPS_OVERAGE: "the token leaves its groups out, so group assignments cannot be decided",
        Reason.ENDPOINT_UNDECLARED: "the endpoint does not say who may call it",
        Reason.MARK_NOT_ENFORCED: "a protected function was about to run without its check",
        Reason.NOT_SEALED: "the application's routes and its policy do not fit together",
        Reason.RESOURCE_NOT_FOUND: "there is no such resource",
        Reason.RESOURCE_UNAVAILABLE: "the resource could not be loaded",
        Reason.AUDIT_UNAVAILABLE: "the decision could not be recorded",
        Reason.KEYS_UNAVAILABLE: "the keys of the token's issuer cannot be fetched",
        Reason.REVOCATION_UNAVAILABLE: "the store of revoked tokens cannot be asked",
        Reason.PROOFS_UNAVAILABLE: "it cannot be known now whether the token's proof was used before",
        Reason.TOKEN_ABSENT: "the request carries no bearer token",
        Reason.TOKEN_HEADER: "the Authorization header is malformed or was sent twice",
        Reason.TOKEN_TOO_LARGE: "the token is too large",
        Reason.TOKEN_NOT_ASCII: "the token has characters outside ASCII",
        Reason.TOKEN_PARTS: "the token does not have the three parts of a signed token",
        Reason.TOKEN_ENCODING: "a part of the token is not canonical base64url",
        Reason.TOKEN_JSON: "the token's header or payload is not a strict JSON object",
        Reason.TOKEN_DUPLICATE_MEMBER: "the token's header or payload names a member twice",
        Reason.TOKEN_CRITICAL: "the token's header demands an extension that is not understood",
        Reason.TOKEN_KEY_IN_HEADER: "the token's header brings a key of its own",
        Reason.TOKEN_ALGORITHM: "the token's algorithm is not one of its issuer's",
        Reason.TOKEN_ISSUER: "the token's issuer is not one the policy knows, or not the one its claims name",
        Reason.TOKEN_KEY: "no key of the issuer fits the token",
        Reason.TOKEN_SIGNATURE: "the token's signature does not verify",
        Reason.TOKEN_TYPE: "the token's `typ` is not one its issuer's profile accepts",
        Reason.TOKEN_EXPIRED: "the token has expired",
        Reason.TOKEN_NOT_YET_VALID: "the token is not valid yet",
        Reason.TOKEN_ISSUED_IN_FUTURE: "the token was issued in the future",
        Reason.TOKEN_AUDIENCE: "the token is meant for another audience",
        Reason.TOKEN_CLAIM_MISSING: "a required claim is missing",
        Reason.TOKEN_CLAIM_TYPE: "a claim has the wrong type",
        Reason.TOKEN_NOT_ACCESS: "the token is not an access token",
        Reason.TOKEN_SUBJECT: "the token's subject could be mistaken for another issuer's",
        Reason.TOKEN_CONFIRMATION: "the token is bound to a key and was presented without its proof",
        Reason.TOKEN_REVOKED: "the token has been revoked",
        Reason.TOKEN_UNBOUND: "the token is not bound to a key, and had to be",
        Reason.TOKEN_PROOF: "the proof that came with the token is not accepted",
        Reason.TOKEN_PROOF_REPLAYED: "the proof that came with the token was used before",
    }
)
