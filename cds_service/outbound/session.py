"""The HTTP session that everything outgoing goes through, and bounded reading from it."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import requests
import urllib3

from cds_service.outbound.addresses import AddressRefused
from cds_service.outbound.connection import CheckedAdapter, Resolve, resolved

Session = requests.Session
"""The type, for rooms that pass a session on without importing the library."""

LARGEST_ANSWER = 30_000_000
_CHUNK = 65_536
_CONNECT_S = 1.0
_AGAIN = frozenset({502, 503, 504})


class OutboundError(Exception):
    """A request got no usable answer; says why in a few words without URL or token."""

    def __init__(self, why: str, *, status: int | None = None) -> None:
        super().__init__(why)
        self.why, self.status = why, status


def new_session(resolve: Resolve = resolved) -> requests.Session:
    """A pooled session that connects to checked addresses only (`addresses`), and follows no redirects.

    It reads no proxy or netrc settings and stores no cookies.
    """
    session = _Session()
    session.trust_env = False  # a netrc entry would replace the EHR's token
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.mount("http://", CheckedAdapter(resolve))
    session.mount("https://", CheckedAdapter(resolve))
    return session


class _Session(requests.Session):
    """A session for which no answer is a redirect: a token never follows a ``Location``."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 (the library's signature)
        return None


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
    sent = {"params": params, "headers": headers}
    try:
        return _json_of(session, "GET", url, until, **sent)
    except OutboundError as error:
        if not (error.status in _AGAIN or error.why == "connection broken") or until - time.monotonic() < 0.2:
            raise
    return _json_of(session, "GET", url, until, **sent)


def send_json(session: requests.Session, url: str, body: Any, *, timeout_s: float = 60.0) -> Any:
    """The JSON answer to a POSTed FHIR resource. Raises `OutboundError`."""
    headers = {"Content-Type": "application/fhir+json"}
    return _json_of(session, "POST", url, time.monotonic() + timeout_s, json=body, headers=headers)


def exchange(
    session: requests.Session, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, until: float
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers (whatever their case) and body of any answer, a redirect's too. Raises `OutboundError`."""
    with _opened(session, method, url, until, headers=headers, data=body) as response:
        return response.status_code, response.headers, _body(response, until)


def _json_of(session: requests.Session, method: str, url: str, until: float, **sent: Any) -> Any:
    """The JSON of one answer; any status but a success is an `OutboundError` that carries it."""
    with _opened(session, method, url, until, **sent) as response:
        if not 200 <= response.status_code < 300:
            raise OutboundError(f"answered {response.status_code}", status=response.status_code)
        return _json(_body(response, until))


@contextmanager
def _opened(session: requests.Session, method: str, url: str, until: float, **sent: Any) -> Iterator[requests.Response]:
    """An answer whose headers are there; whatever breaks while it is read is an `OutboundError`."""
    left = until - time.monotonic()
    if left <= 0:
        raise OutboundError("no time left")
    sent["timeout"] = urllib3.Timeout(total=left, connect=min(_CONNECT_S, left))
    try:
        with session.request(method, url, stream=True, allow_redirects=False, **sent) as response:
            yield response
    except AddressRefused as error:
        raise OutboundError(f"address not allowed: {error}") from None
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise OutboundError("timed out") from None
    except requests.ConnectionError as error:
        raise OutboundError("connection broken" if "aborted" in str(error) else "not reachable") from None
    except urllib3.exceptions.HTTPError:
        raise OutboundError("connection broken") from None
    except (requests.RequestException, UnicodeError):
        raise OutboundError("not reachable") from None


def _body(response: requests.Response, until: float) -> bytes:
    """The whole body, checked against size and time at each piece of it, decompressed.

    ``read1`` returns what is there, and of what is compressed at most a chunk at once: a bomb of a
    few kilobytes ends at the same size as any other body.
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
