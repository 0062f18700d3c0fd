"""One access token from a token server (SMART App Launch 2.2, "Backend Services").

The server knows us by a signed assertion (``private_key_jwt``, RFC 7523): no secret goes over the wire.
What a server answers is repeated by its status and, of its text, only an error code of RFC 6749.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt

from cds_service.backend.keys import SigningKey
from cds_service.backend.scopes import asked_scopes
from cds_service.fhir_client.access import NoTokenError
from cds_service.outbound.hosts import origin_of
from cds_service.outbound.session import OutboundError, Session, exchange, get_json, not_json
from cds_service.settings import Backend

ASSERTION_S = 120
"""An assertion's life: SMART allows five minutes, and the servers' clocks may be off (assumption)."""

UNSAID_S = 60.0
"""The life of a token whose server does not say it, as it has to (assumption)."""

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TOKEN = re.compile(r"[!-~]{1,16384}")
_CODES = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope",
)  # fmt: skip
"""RFC 6749, 5.2."""


@dataclass(frozen=True)
class Granted:
    """A token as it was granted; ``scope`` is what was asked for where the server says nothing."""

    token: str = field(repr=False)
    lives_s: float
    scope: str


def assertion(client_id: str, key: SigningKey, audience: str, now: float) -> str:
    """The signed statement that it is us, for one request at one token URL."""
    claims = {
        "iss": client_id, "sub": client_id, "aud": audience, "exp": int(now) + ASSERTION_S, "jti": uuid4().hex,
    }  # fmt: skip
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid, "typ": "JWT"})


def token_url(session: Session, base: str, until: float) -> str:
    """The token URL that a FHIR server tells, on its own scheme, host and port. Raises `NoTokenError`.

    One elsewhere has to stand in the settings: else whoever answers for the server would choose to whom
    we prove who we are.
    """
    try:
        told = get_json(session, f"{base}/.well-known/smart-configuration", until=until)
    except OutboundError as error:
        raise NoTokenError(f"smart-configuration: {error.why}") from None
    url = told.get("token_endpoint") if isinstance(told, dict) else None
    if not isinstance(url, str):
        raise NoTokenError("smart-configuration: no token_endpoint")
    if origin_of(url) is None or origin_of(url) != origin_of(base):
        raise NoTokenError("smart-configuration: token_endpoint on another host")
    return url


def granted_token(
    session: Session, url: str, backend: Backend, key: SigningKey, *, now: float, until: float
) -> Granted:
    """A new token; ``now`` is the time of day in seconds. Raises `NoTokenError`."""
    scope = " ".join(asked_scopes(backend))
    form = {
        "grant_type": "client_credentials", "scope": scope, "client_assertion_type": _JWT_BEARER,
        "client_assertion": assertion(backend.client_id, key, url, now),
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        status, _, body = exchange(session, "POST", url, headers=headers, body=urlencode(form).encode(), until=until)
    except OutboundError as error:
        raise NoTokenError(f"token server: {error.why}") from None
    answer = _object(body)
    if status != 200:
        code = answer.get("error")
        raise NoTokenError(f"token server answered {status}{f' {code}' if code in _CODES else ''}")
    return _granted(answer, scope)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body, parse_constant=not_json)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _granted(answer: Mapping[str, Any], asked: str) -> Granted:
    token, kind, scope = answer.get("access_token"), answer.get("token_type"), answer.get("scope")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise NoTokenError("token server answered without a token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise NoTokenError("token server answered no bearer token")
    return Granted(token, _seconds(answer.get("expires_in")), scope if isinstance(scope, str) and scope else asked)


def _seconds(value: Any) -> float:
    """How long a token lives; some servers tell it as text."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return UNSAID_S
    return seconds if math.isfinite(seconds) and seconds > 0 else UNSAID_S
