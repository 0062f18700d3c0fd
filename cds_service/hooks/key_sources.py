"""Where issuers' public keys come from: a file, or their listed URL, renewed while calls go on.

A set from a URL is fresh for five minutes. For the rest of an hour it still serves while a new one is
fetched behind the call, so that an EHR whose key server is down does not lose its cards at once; a key
that was withdrawn is believed no longer than that hour.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cds_service.errors import NotAuthenticated
from cds_service.outbound.session import OutboundError, Session, get_json
from cds_service.settings import Issuer, Settings

_LOG = logging.getLogger(__name__)
FRESH_S, STALE_S = 300.0, 3600.0  # assumption: an hour is also the longest that a token lives by default
AGAIN_S = 30.0  # an unknown kid may be a new key, but must not let callers make us fetch at will
AFTER_FAILURE_S = 5.0  # while there are no keys at all: each call is refused meanwhile
_FETCH_S = 2.0
_WAIT_S = 2 * _FETCH_S  # for a fetch, and for another's before it

KeySet = tuple[Mapping[str, Any], ...]
"""The JSON Web Keys of one set."""


class KeySource(Protocol):
    """Where keys come from. Both methods raise `NotAuthenticated` where there are none.

    ``until`` is the `time.monotonic` moment up to which a call can wait for them.
    """

    def current(self, until: float) -> KeySet:
        """The keys as they are known."""

    def renewed(self, until: float) -> KeySet:
        """The keys as new as may be asked for now."""


Sources = Mapping[str | Path, KeySource]
"""Every source by its file or URL."""


def monotonic() -> float:
    """Seconds on a clock that is never set."""
    return time.monotonic()


@dataclass
class FileKeys:
    """The keys in a file, read anew when it has changed."""

    path: Path
    _stamp: tuple[int, int, int] | None = None
    _keys: KeySet = ()

    def current(self, until: float) -> KeySet:  # noqa: ARG002 (a file makes nobody wait)
        """The keys that the file holds now."""
        try:
            seen = self.path.stat()
            stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
            if stamp != self._stamp:
                self._keys = key_set(json.loads(self.path.read_bytes()))
                self._stamp = stamp
        except (OutboundError, OSError, ValueError, RecursionError):
            raise NotAuthenticated("keys-not-available") from None
        return self._keys

    renewed = current


@dataclass
class UrlKeys:
    """The keys behind a listed URL; any number of threads cause one request.

    A call that cannot wait for its end leaves a request to go on, so that a key server slower than a
    call still serves the next ones.
    """

    url: str
    session: Session
    clock: Callable[[], float] = monotonic
    _keys: KeySet = ()
    _got_at: float = -math.inf
    _tried_at: float = -math.inf
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def current(self, until: float) -> KeySet:
        """The keys held; stale ones are renewed behind the call, older ones before it goes on."""
        age = self.clock() - self._got_at
        if age >= STALE_S:
            return self._after(AFTER_FAILURE_S, until)
        if age >= FRESH_S and self.clock() - self._tried_at >= AGAIN_S:
            self._renewing(AGAIN_S)
        return self._keys

    def renewed(self, until: float) -> KeySet:
        """The keys after a fetch, unless one was tried in the last half minute."""
        return self._after(AGAIN_S, until)

    def _after(self, apart_s: float, until: float) -> KeySet:
        self._renewing(apart_s).join(max(0.0, min(until - time.monotonic(), _WAIT_S)))
        if self.clock() - self._got_at >= STALE_S:
            raise NotAuthenticated("keys-not-available")
        return self._keys

    def _renewing(self, apart_s: float) -> threading.Thread:
        renewing = threading.Thread(target=self._renew, args=(apart_s,), daemon=True)
        renewing.start()
        return renewing

    def _renew(self, apart_s: float) -> None:
        """Fetch, unless the last try is less than ``apart_s`` ago; who waited here uses what the other got."""
        with self._one_at_a_time:
            if self.clock() - self._tried_at < apart_s:
                return
            self._tried_at = self.clock()
            try:
                keys = key_set(get_json(self.session, self.url, until=time.monotonic() + _FETCH_S))
            except OutboundError as error:
                _LOG.warning("keys at %s not renewed: %s", self.url, error)
                return
            self._keys, self._got_at = keys, self.clock()


def key_set(answer: Any) -> KeySet:
    """The keys of a JWK Set (RFC 7517, 5). Raises `OutboundError` where it is none."""
    keys = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(keys, list):
        raise OutboundError("no key set")
    return tuple(key for key in keys if isinstance(key, dict))


def sources_of(settings: Settings, session: Session, clock: Callable[[], float]) -> Sources:
    """The sources of all listed issuers; in production a URL that is not https is none."""
    files = {one.jwks_file for one in settings.issuers if one.jwks_file}
    listed = {url for one in settings.issuers for url in one.jku}
    usable = {url for url in listed if settings.mode != "production" or url.startswith("https://")}
    return {path: FileKeys(path) for path in files} | {url: UrlKeys(url, session, clock) for url in usable}


def source_for(issuer: Issuer, jku: str | None, sources: Sources) -> KeySource:
    """The issuer's file, else its listed URL that the token names, else its first. Raises `NotAuthenticated`."""
    source = sources.get(issuer.jwks_file or jku or next(iter(issuer.jku), ""))
    if source is None:
        raise NotAuthenticated("keys-not-available")
    return source
