"""A JSON Web Token, read without trust and then verified; every fault has a reason code for the log.

RFC 7515 and 7519, CDS Hooks 2.0.1 "Trusting CDS Clients". A key that the token itself brings (``jwk``,
``x5c``) or points to (``x5u``) is passed over: only the issuer's listed set counts. A header that has
to be understood and is not (``crit``) makes it no token for PyJWT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from cds_service.errors import NotAuthenticated

LEEWAY_S = 30
"""How far the clocks of EHR and service may differ."""

_LONGEST = 16_384  # assumption: ten times what EHRs send, with room for a chain of certificates
_LONGEST_KID = 256  # assumption
_REQUIRED = ["iss", "aud", "exp", "iat", "jti"]
_SHOWN = 200
_CODES = {
    jwt.InvalidSignatureError: "signature-invalid",
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not-yet-valid",
    jwt.MissingRequiredClaimError: "claim-missing",
    jwt.InvalidKeyError: "key-not-usable",
    jwt.InvalidAlgorithmError: "algorithm-not-allowed",
}


@dataclass(frozen=True)
class Unproved:
    """What a token says of itself, before anything is verified."""

    text: str = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def unproved(text: str) -> Unproved:
    """The token's header and claims. Raises `NotAuthenticated`."""
    if len(text) > _LONGEST:
        raise NotAuthenticated("token-too-long")
    if not text.isascii():
        raise NotAuthenticated("not-a-token")
    try:
        read = jwt.decode_complete(text, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise NotAuthenticated("not-a-token") from None
    return Unproved(text, read["header"], read["payload"])


def demand_header(header: Mapping[str, Any], algorithms: Sequence[str]) -> None:
    """Nothing, where a token's header is complete and asks for nothing special. Raises `NotAuthenticated`."""
    kid = header.get("kid")
    if header.get("typ") != "JWT" or not kid:
        raise NotAuthenticated("header-incomplete")
    if not isinstance(kid, str) or len(kid) > _LONGEST_KID or not kid.isprintable():
        raise NotAuthenticated("kid-malformed")
    if header.get("alg") not in algorithms:
        raise NotAuthenticated("algorithm-not-allowed")


def verified(token: Unproved, key: jwt.PyJWK, *, issuer: str, audiences: Sequence[str], longest_s: float) -> None:
    """Nothing, where signature and claims hold and the token lives no longer than ``longest_s``.

    Raises `NotAuthenticated`.
    """
    try:
        jwt.decode(
            token.text,
            key,
            algorithms=[key.algorithm_name],
            audience=audiences,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )
    except jwt.InvalidAudienceError:
        got, expected = _shown(token.claims.get("aud")), _shown(list(audiences))
        raise NotAuthenticated(f"aud-mismatch: got {got}, expected {expected}") from None
    except jwt.PyJWTError as error:
        raise NotAuthenticated(_CODES.get(type(error), "claim-malformed")) from None
    _demand_claims(token.claims, longest_s)


def _demand_claims(claims: Mapping[str, Any], longest_s: float) -> None:
    """What PyJWT takes and we do not: times as text, a ``jti`` that tells nothing apart, a token for ever."""
    times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
    if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in times) or not claims["jti"]:
        raise NotAuthenticated("claim-malformed")
    if int(claims["exp"]) - int(claims["iat"]) > longest_s:
        raise NotAuthenticated("lives-too-long")


def _shown(value: Any) -> str:
    """A claim for the log: bounded, in ASCII, without control characters."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " or ".join(_shown(one) for one in value[:4])
    return ascii(value[:_SHOWN]) if isinstance(value, str) else type(value).__name__
