"""Who calls: the EHR's JSON Web Token, verified against the listed issuers.

CDS Hooks 2.0.1, "Trusting CDS Clients": the token is signed with an asymmetric key, its ``aud`` is
the URL called, and it counts once. A refusal is a bare 401; its reason code goes to the log alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf

from cds_service.errors import NotAuthenticated
from cds_service.hooks.key_sources import Sources, monotonic, source_for, sources_of
from cds_service.hooks.keys import key_for
from cds_service.hooks.replays import Replays, ReplayStoreError, token_key, use_key
from cds_service.hooks.tokens import LEEWAY_S, Unproved, demand_header, unproved, verified
from cds_service.limits.deadline import reading_s
from cds_service.outbound.session import Session
from cds_service.settings import Issuer, Settings, proves_nothing

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Called:
    """What a token has to be for: the path, the URLs under which it is reached, and what was sent.

    ``begun`` is the `time.monotonic` moment from which the call's time runs; without one it never ends.
    """

    path: str
    urls: tuple[str, ...]
    body: Callable[[], bytes] = field(default=bytes, repr=False)  # not read for callers who prove nothing
    begun: float = inf


@dataclass
class Trust:
    """Verifies tokens, with the issuers' keys and the tokens that were seen."""

    settings: Settings
    session: Session
    replays: Replays
    clock: Callable[[], float] = monotonic
    _sources: Sources = field(init=False)

    def __post_init__(self) -> None:
        self._sources = sources_of(self.settings, self.session, self.clock)

    def check(self, authorization: str | None, called: Called) -> str | None:
        """The verified issuer of a call; None where this mode needs none.

        Raises `NotAuthenticated` with a reason code. In test mode a token of an issuer that is not
        listed is noted, and the call goes on.
        """
        if self.settings.mode == "demo":
            return None
        scheme, _, text = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not text:
            self._without("no-token")
            return None
        token = unproved(text)
        issuer = self._issuer(token)
        if issuer is None:
            self._without("issuer-not-listed")
            return None
        self._verify(token, issuer, called)
        self._count(token, issuer, called)
        return issuer.iss

    def _without(self, code: str) -> None:
        """Goes on in test mode; refuses in production."""
        if self.settings.mode == "production":
            raise NotAuthenticated(code)
        _LOG.info("call accepted without proof in test mode: %s", code)

    def _issuer(self, token: Unproved) -> Issuer | None:
        listed = next((one for one in self.settings.issuers if one.iss == token.claims.get("iss")), None)
        if listed and self.settings.mode == "production" and proves_nothing(listed):
            raise NotAuthenticated("issuer-proves-nothing")
        return listed

    def _verify(self, token: Unproved, issuer: Issuer, called: Called) -> None:
        header, claims = token.header, token.claims
        demand_header(header, self.settings.algorithms)
        jku = header.get("jku")
        if jku is not None and jku not in issuer.jku:
            raise NotAuthenticated("jku-not-listed")
        until = called.begun + reading_s(self.settings, issuer.iss)
        key = key_for(source_for(issuer, jku, self._sources), header["kid"], header["alg"], until)
        accepted = (*called.urls, *issuer.audiences)
        longest_s = self.settings.token_minutes * 60
        verified(token, key, issuer=issuer.iss, audiences=accepted, longest_s=longest_s)
        if issuer.tenants and claims.get("tenant") not in issuer.tenants:
            raise NotAuthenticated("tenant-not-listed")

    def _count(self, token: Unproved, issuer: Issuer, called: Called) -> None:
        """Let the token count: once, or for its own body again. A store that fails lets nobody in."""
        jti, until = token.claims["jti"], datetime.fromtimestamp(token.claims["exp"] + LEEWAY_S, UTC)
        seen, use = token_key(issuer.iss, jti), use_key(called.path, called.body())
        try:
            if not self.replays.first_use(seen, use, until, or_same=issuer.repeats == "same-body"):
                raise NotAuthenticated("replayed")
        except ReplayStoreError as error:
            raise NotAuthenticated(f"replays-not-known: {error}") from None
