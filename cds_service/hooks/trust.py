"""Who calls: the EHR's JSON Web Token, verified against the listed issuers.

CDS Hooks 2.0.1, "Trusting CDS Clients": the token is signed with an asymmetric key, its ``aud`` is
the URL called. A refusal is a bare 401; its reason code goes to the log alone.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from cds_service.errors import NotAuthenticated
from cds_service.outbound.session import OutboundError, Session, get_json
from cds_service.settings import Issuer, Settings

_LOG = logging.getLogger(__name__)
_LEEWAY_S = 30
_KEYS_KEPT_S = 300.0
_KEYS_AGAIN_S = 30.0  # an unknown kid may be a new key, but must not let callers make us fetch at will
_FETCH_S = 2.0
_REQUIRED = ["iss", "aud", "exp", "iat", "jti"]


@dataclass
class Trust:
    """Verifies tokens; keeps the issuers' keys for five minutes."""

    settings: Settings
    session: Session
    _keys: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def check(self, authorization: str | None, url: str) -> str | None:
        """The verified issuer of a call to ``url``; None where this mode needs none.

        Raises `NotAuthenticated` with a reason code. In test mode a token of an issuer that is not
        listed is noted, and the call goes on.
        """
        if self.settings.mode == "demo":
            return None
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            self._without("no-token")
            return None
        issuer = self._issuer(token)
        if issuer is None:
            self._without("issuer-not-listed")
            return None
        self._verify(token, issuer, url)
        return issuer.iss

    def _without(self, code: str) -> None:
        """Goes on in test mode; refuses in production."""
        if self.settings.mode == "production":
            raise NotAuthenticated(code)
        _LOG.info("call accepted without proof in test mode: %s", code)

    def _issuer(self, token: str) -> Issuer | None:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, RecursionError):
            raise NotAuthenticated("not-a-token") from None
        return next((entry for entry in self.settings.issuers if entry.iss == claims.get("iss")), None)

    def _verify(self, token: str, issuer: Issuer, url: str) -> None:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise NotAuthenticated("not-a-token") from None
        if header.get("typ") != "JWT" or not header.get("kid"):
            raise NotAuthenticated("header-incomplete")
        if header.get("jku") is not None and header["jku"] not in issuer.jku:
            raise NotAuthenticated("jku-not-listed")
        if header.get("alg") not in self.settings.algorithms:
            raise NotAuthenticated("algorithm-not-allowed")
        try:
            claims = jwt.decode(
                token,
                self._key(issuer, str(header["kid"]), str(header["alg"])),
                algorithms=list(self.settings.algorithms),
                audience=url,
                issuer=issuer.iss,
                leeway=_LEEWAY_S,
                options={"require": _REQUIRED},
            )
        except jwt.InvalidTokenError as error:
            raise NotAuthenticated(_code(error)) from None
        if issuer.tenants and claims.get("tenant") not in issuer.tenants:
            raise NotAuthenticated("tenant-not-listed")

    def _key(self, issuer: Issuer, kid: str, algorithm: str) -> jwt.PyJWK:
        """The issuer's key for this algorithm; RSA keys often name none, and serve RS256 by default."""
        raw = _by_kid(self._key_set(issuer, _KEYS_KEPT_S), kid) or _by_kid(self._key_set(issuer, _KEYS_AGAIN_S), kid)
        if raw is None:
            raise NotAuthenticated("kid-unknown")
        if raw.get("alg") not in (None, algorithm):
            raise NotAuthenticated("algorithm-not-allowed")
        try:
            return jwt.PyJWK(dict(raw), algorithm=algorithm)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise NotAuthenticated("key-not-usable") from None

    def _key_set(self, issuer: Issuer, kept_s: float) -> Mapping[str, Any]:
        kept = self._keys.get(issuer.iss)
        if kept and time.monotonic() - kept[0] < kept_s:
            return kept[1]
        try:
            keys = self._fetched(issuer)
        except (OutboundError, OSError, ValueError):
            raise NotAuthenticated("keys-not-available") from None
        self._keys[issuer.iss] = (time.monotonic(), keys)
        return keys

    def _fetched(self, issuer: Issuer) -> Mapping[str, Any]:
        """The issuer's JWK Set: from its file, else from its listed URL (start-up wants https in production)."""
        if issuer.jwks_file is not None:
            answer = json.loads(issuer.jwks_file.read_text("utf-8"))
        elif issuer.jku:
            answer = get_json(self.session, issuer.jku[0], until=time.monotonic() + _FETCH_S)
        else:
            raise OutboundError("no keys are configured")
        if not isinstance(answer, dict):
            raise OutboundError("no key set")
        return answer


def _by_kid(keys: Mapping[str, Any], kid: str) -> Mapping[str, Any] | None:
    listed = keys.get("keys")
    known = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    return next((key for key in known if key.get("kid") == kid), None)


def _code(error: jwt.InvalidTokenError) -> str:
    """One reason code for the log."""
    names = {
        jwt.ExpiredSignatureError: "expired",
        jwt.InvalidAudienceError: "aud-mismatch",
        jwt.InvalidIssuedAtError: "iat-in-future",
        jwt.ImmatureSignatureError: "not-yet-valid",
        jwt.MissingRequiredClaimError: "claim-missing",
        jwt.InvalidAlgorithmError: "algorithm-not-allowed",
    }
    return names.get(type(error), "signature-or-claims-invalid")
