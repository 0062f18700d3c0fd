"""Servers that do not answer are left alone for a while, so that no call waits for them to the end."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from cds_service.outbound.hosts import origin_of

MOST_FAILURES = 3
"""Rounds of requests in a row, of which none was answered, until a server is left alone (assumption)."""

PAUSE_S = 5.0
"""For so long (assumption); then one round tries, and the others go on failing until it is answered."""


@dataclass
class Breaker:
    """What the last rounds of requests to one host came to; for any number of threads.

    A round is what is asked at once: it failed where no request of it was answered. One type of
    resource or one attachment that a server cannot give says nothing of the others, so that of rounds
    that ask only for what may be lacking just the answered ones are told.
    """

    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _again_at: float = -inf
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def lets_through(self) -> bool:
        """True where a round may be sent; after a pause it is for one round only."""
        with self._one_at_a_time:
            if self._failures < MOST_FAILURES:
                return True
            if self.clock() < self._again_at:
                return False
            self._again_at = self.clock() + PAUSE_S
            return True

    def saw(self, *, answered: bool) -> None:
        """Told what a round came to."""
        with self._one_at_a_time:
            self._failures = 0 if answered else self._failures + 1
            self._again_at = self.clock() + PAUSE_S


@dataclass
class Breakers:
    """One breaker for each host, shared by all calls of a process."""

    clock: Callable[[], float] = time.monotonic
    _by_host: dict[object, Breaker] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def of(self, base: str) -> Breaker:
        """The breaker of the host that a listed base stands on."""
        with self._one_at_a_time:
            return self._by_host.setdefault(origin_of(base) or base, Breaker(self.clock))
