"""The access tokens of one FHIR server: kept, renewed before they end, asked for once however many calls wait.

A token is asked for beside the calls. Each waits no longer than its own deadline, and a token that comes
too late for one serves the next.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from cds_service.backend.grants import Granted, granted_token, token_url
from cds_service.backend.keys import SigningKey, signing_key
from cds_service.backend.scopes import scope_notes
from cds_service.fhir_client.access import NoTokenError, TokenSource
from cds_service.outbound.session import Session
from cds_service.settings import Backend, Settings

_LOG = logging.getLogger(__name__)
REQUEST_S = 5.0  # assumption: a token server that takes longer is down
RENEW_S, LEAST_S = 60.0, 10.0  # assumption: before its end a token is renewed, and at last no longer used
TOO_LATE_S = 0.1  # assumption: before a call's end no read could follow, but the reason still be told
APART_S = 5.0  # assumption: neither failures nor a FHIR server that refuses tokens make us ask at will


@dataclass(frozen=True)
class _Held:
    """A token, when it was had, from when on it is renewed, and until when it is used."""

    token: str = field(repr=False)
    since: float
    renew: float
    end: float


@dataclass
class AccessTokens:
    """The tokens for the FHIR server at ``base``; any number of threads cause one request."""

    base: str
    backend: Backend
    key: SigningKey
    session: Session = field(repr=False)
    clock: Callable[[], float] = time.monotonic
    _held: _Held | None = field(default=None, repr=False)
    _asking: "Future[str] | None" = field(default=None, repr=False)
    _failure: str = ""
    _failed_at: float = -math.inf
    _url: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self, until: float) -> str:
        """A token, waited for until shortly before a `time.monotonic` moment. Raises `NoTokenError`."""
        with self._lock:
            held, now = self._usable(), self.clock()
            if (held is None or now >= held.renew) and self._asking is None and now - self._failed_at >= APART_S:
                self._ask()
            if held is not None:
                return held.token
            asking, failure = self._asking, self._failure
        if asking is None:
            raise NoTokenError(failure)
        try:
            return asking.result(max(0.0, until - TOO_LATE_S - time.monotonic()))
        except TimeoutError:
            raise NoTokenError("token server did not answer in time") from None
        except NoTokenError as error:
            raise NoTokenError(error.reason) from None  # its own for each thread

    def refused(self, token: str) -> bool:
        """Told that the FHIR server answered this token with 401: True where another one may be had."""
        with self._lock:
            if self._held is not None and self._held.token == token:
                if self.clock() - self._held.since < APART_S:
                    return False
                self._held = None
            return True

    def _usable(self) -> _Held | None:
        return self._held if self._held is not None and self.clock() < self._held.end else None

    def _ask(self) -> None:
        """Start asking, under the lock."""
        asking: Future[str] = Future()
        threading.Thread(target=self._answer, args=(asking,), daemon=True).start()
        self._asking = asking

    def _answer(self, asking: "Future[str]") -> None:
        """Have a token, or the reason why not, in every case: calls wait for it."""
        since = self.clock()
        try:
            granted = self._granted()
        except NoTokenError as error:
            self._fail(asking, error)
        except Exception as error:
            self._fail(asking, NoTokenError(type(error).__name__))
        else:
            self._keep(asking, granted, since)

    def _granted(self) -> Granted:
        until = time.monotonic() + REQUEST_S
        url = self.backend.token_url or self._url or token_url(self.session, self.base, until)
        self._url = url
        return granted_token(self.session, url, self.backend, self.key, now=time.time(), until=until)

    def _keep(self, asking: "Future[str]", granted: Granted, since: float) -> None:
        lives_s = granted.lives_s
        held = _Held(
            granted.token,
            since,
            renew=since + lives_s - min(RENEW_S, lives_s / 2),
            end=since + lives_s - min(LEAST_S, lives_s / 4),
        )
        with self._lock:
            self._held, self._asking = held, None
        _LOG.info("access token for %s had: %s", self.base, " ".join(scope_notes(granted.scope)) or "scopes suffice")
        asking.set_result(granted.token)

    def _fail(self, asking: "Future[str]", error: NoTokenError) -> None:
        with self._lock:
            self._failure, self._failed_at, self._asking = error.reason, self.clock(), None
            self._url = None  # the server may have moved it
        _LOG.warning("no access token for %s: %s", self.base, error.reason)
        asking.set_exception(error)


def access_tokens(settings: Settings, session: Session) -> Mapping[str, TokenSource]:
    """The tokens of each FHIR server that is read with access of our own, by its base."""
    found: dict[str, TokenSource] = {}
    for entry in settings.fhir_servers:
        if entry.auth == "backend" and entry.backend is not None:
            base = entry.base.rstrip("/")
            found.setdefault(base, AccessTokens(base, entry.backend, signing_key(entry.backend), session))
    return found
