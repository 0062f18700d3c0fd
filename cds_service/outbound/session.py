"""The HTTP session that everything outgoing goes through, and bounded reading from it."""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, NoReturn

import requests
import urllib3

from cds_service.outbound.addresses import AddressRefused
from cds_service.outbound.connection import POOL, CheckedAdapter, OwnAuthorityAdapter, Resolve, resolved
from cds_service.outbound.waiting import asked_to_wait_s, pause_before_retry_s

Session = requests.Session
"""The type, for rooms that pass a session on without importing the library."""

LARGEST_ANSWER = 30_000_000
_LARGE = 1_000_000
_READ_PER_S = 10_000_000
"""Bytes of JSON: 26 million were parsed and checked in a second of one core, which is shared (assumption)."""

_TOO_LARGE_NOW = "answer too large for the time left"
_large_one_by_one = threading.Lock()
_CHUNK = 65_536
_CONNECT_S = 1.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_NOT_OFFERED = 501
"""A sound server's answer to what it does not do, for ever."""

_ASKS_TO_WAIT = frozenset({429, 503})
TIMED_OUT, BROKEN, NOT_REACHABLE = "timed out", "connection broken", "not reachable"
NO_TLS = "not reachable: TLS failed"
"""No TLS there, or a certificate that nobody vouches for."""


class OutboundError(Exception):
    """A request got no usable answer; says why in a few words without URL or token.

    ``asked_s``: for how many seconds the answer asked to be left alone.
    """

    def __init__(self, why: str, *, status: int | None = None, asked_s: float | None = None) -> None:
        super().__init__(why)
        self.why, self.status, self.asked_s = why, status, asked_s

    @property
    def may_pass(self) -> bool:
        """True where the same request may be answered in a moment."""
        return self.status in _AGAIN or self.why == BROKEN

    @property
    def is_down(self) -> bool:
        """True where the server gave no answer, or only that it cannot at the moment."""
        no_answer = self.why in (TIMED_OUT, BROKEN, NOT_REACHABLE, NO_TLS)
        return no_answer or ((self.status or 0) >= 500 and self.status != _NOT_OFFERED)


def new_session(
    resolve: Resolve = resolved, authorities: Iterable[tuple[str, Path]] = (), *, calls: int = 1
) -> requests.Session:
    """A pooled session that connects to checked addresses only (`addresses`), and follows no redirects.

    It reads no proxy or netrc settings and stores no cookies. ``authorities`` are the files that alone
    vouch for hosts, by the beginning of their URLs (`authorities`). All connections that so many
    ``calls`` at once can use are kept.
    """
    kept = calls * POOL
    session = _Session()
    session.trust_env = False  # a netrc entry would replace the EHR's token
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.mount("http://", CheckedAdapter(resolve, kept))
    session.mount("https://", CheckedAdapter(resolve, kept))
    for start, ca_file in authorities:
        session.mount(start, OwnAuthorityAdapter(ca_file, resolve, kept))
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
    """The JSON of a GET, with one retry of what may pass. Raises `OutboundError`.

    ``until`` is a `time.monotonic` moment by which the whole body has to be there.
    """
    sent = {"params": params, "headers": headers}
    try:
        return _json_of(session, "GET", url, until, **sent)
    except OutboundError as error:
        pause_s = pause_before_retry_s(error.asked_s, until - time.monotonic()) if error.may_pass else None
        if pause_s is None:
            raise
    time.sleep(pause_s)
    return _json_of(session, "GET", url, until, **sent)


def search_json(
    session: requests.Session, url: str, params: Any, *, headers: Mapping[str, str] | None = None, until: float
) -> Any:
    """The JSON of a search whose parameters are in the body of a POST: as `get_json`, but never sent again.

    FHIR's search changes nothing either way, but a POST is not idempotent for what stands in between
    (RFC 9110, 9.2.2).
    """
    return _json_of(session, "POST", url, until, data=params, headers=headers)


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
            raise _refusal(response)
        return _json(_body(response, until), until)


def _refusal(response: requests.Response) -> OutboundError:
    status = response.status_code
    asked_s = asked_to_wait_s(response.headers) if status in _ASKS_TO_WAIT else None
    wish = "" if asked_s is None else f" and asked to wait {asked_s:.0f} s"
    return OutboundError(f"answered {status}{wish}", status=status, asked_s=asked_s)


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
        raise OutboundError(TIMED_OUT) from None
    except requests.exceptions.SSLError:
        raise OutboundError(NO_TLS) from None
    except requests.ConnectionError as error:
        raise OutboundError(BROKEN if "aborted" in str(error) else NOT_REACHABLE) from None
    except urllib3.exceptions.HTTPError:
        raise OutboundError(BROKEN) from None
    except (requests.RequestException, UnicodeError):
        raise OutboundError(NOT_REACHABLE) from None


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
            raise OutboundError(TIMED_OUT)
        parts.append(chunk)
    return b"".join(parts)


def _json(body: bytes, until: float) -> Any:
    """What the bytes say; a large body only where there is time to read it, and one after the other.

    Nothing else runs meanwhile: eight of them at once would end long after any deadline.
    """
    if len(body) < _LARGE:
        return _parsed(body)
    if not _large_one_by_one.acquire(timeout=max(0.0, until - time.monotonic())):
        raise OutboundError(_TOO_LARGE_NOW)
    try:
        if time.monotonic() + len(body) / _READ_PER_S > until:
            raise OutboundError(_TOO_LARGE_NOW)
        return _parsed(body)
    finally:
        _large_one_by_one.release()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=not_json)
    except (ValueError, RecursionError):
        raise OutboundError("answer is not JSON") from None


def not_json(constant: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``, which Python reads and JSON does not have."""
    raise ValueError(constant)
