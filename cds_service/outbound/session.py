"""The HTTP session that everything outgoing goes through, and bounded reading from it."""

import json
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import requests
import urllib3
from requests.adapters import HTTPAdapter

Session = requests.Session
"""The type, for rooms that pass a session on without importing the library."""

POOL = 8
"""Connections kept, and requests in flight at once."""

LARGEST_ANSWER = 30_000_000
_CHUNK = 65_536
_CONNECT_S = 1.0
_AGAIN = frozenset({502, 503, 504})


class OutboundError(Exception):
    """A request got no usable answer; says why in a few words without URL or token."""

    def __init__(self, why: str, *, status: int | None = None) -> None:
        super().__init__(why)
        self.why, self.status = why, status


def new_session() -> requests.Session:
    """A pooled session that follows no redirects, reads no proxy or netrc settings, and stores no cookies."""
    session = requests.Session()
    session.trust_env = False  # a netrc entry would replace the EHR's token
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.mount("http://", HTTPAdapter(pool_connections=POOL, pool_maxsize=POOL))
    session.mount("https://", HTTPAdapter(pool_connections=POOL, pool_maxsize=POOL))
    return session


def get_json(
    session: requests.Session,
    url: str,
    *,
    params: Any = None,
    headers: Mapping[str, str] | None = None,
    until: float,
) -> Any:
    """The JSON of a GET, with one retry on 502-504 and broken connections. Raises `OutboundError`.

    ``until`` is a `time.monotonic` moment by which the whole body has to be there.
    """
    try:
        return _get_once(session, url, params, headers, until)
    except OutboundError as error:
        if not (error.status in _AGAIN or error.why == "connection broken") or until - time.monotonic() < 0.2:
            raise
    return _get_once(session, url, params, headers, until)


def send_json(session: requests.Session, url: str, body: Any, *, timeout_s: float = 60.0) -> Any:
    """The JSON answer to a POSTed FHIR resource. Raises `OutboundError`."""
    try:
        response = session.post(
            url, json=body, headers={"Content-Type": "application/fhir+json"}, timeout=timeout_s, allow_redirects=False
        )
    except requests.RequestException:
        raise OutboundError("not reachable") from None
    if not response.ok:
        raise OutboundError(f"answered {response.status_code}", status=response.status_code)
    return response.json()


def _get_once(session: requests.Session, url: str, params: Any, headers: Mapping[str, str] | None, until: float) -> Any:
    left = until - time.monotonic()
    if left <= 0:
        raise OutboundError("no time left")
    try:
        with session.get(
            url,
            params=params,
            headers=headers,
            timeout=(min(_CONNECT_S, left), left),
            stream=True,
            allow_redirects=False,
        ) as response:
            if response.status_code != 200:
                raise OutboundError(f"answered {response.status_code}", status=response.status_code)
            return _json(_body(response, until))
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise OutboundError("timed out") from None
    except requests.ConnectionError as error:
        raise OutboundError("connection broken" if "aborted" in str(error) else "not reachable") from None
    except urllib3.exceptions.HTTPError:
        raise OutboundError("connection broken") from None
    except (requests.RequestException, UnicodeError):
        raise OutboundError("not reachable") from None


def _body(response: requests.Response, until: float) -> bytes:
    """The whole body, checked against size and time at each piece that arrives.

    ``read1`` returns what is there: ``iter_content`` would wait for a whole chunk, and a server that
    sends a byte a second would outlast every deadline.
    """
    parts, size = [], 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > LARGEST_ANSWER:
            raise OutboundError("answer too large")
        if time.monotonic() > until:
            raise OutboundError("timed out")
        parts.append(chunk)
    return b"".join(parts)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=not_json)
    except (ValueError, RecursionError):
        raise OutboundError("answer is not JSON") from None


def not_json(constant: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``, which Python reads and JSON does not have."""
    raise ValueError(constant)
