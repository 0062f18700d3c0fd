"""One call's identity: a repeated ``hookInstance`` with the same body gets the same cards and uuids."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

_SPACE = UUID("5a1b7a52-3f0d-5c0e-9a53-8a4f3c1d2e6b")
_KEPT_S = 600.0
_MOST_KEPT = 1000


def call_key(hook_instance: UUID, body: bytes) -> str:
    """A key that two calls share only where instance and body are the same; reveals neither."""
    return hashlib.sha256(hook_instance.bytes + hashlib.sha256(body).digest()).hexdigest()


def uuid_for(key: str, name: str) -> str:
    """The uuid of one thing in the answer to a call; the same in every worker."""
    return str(uuid5(_SPACE, f"{key}/{name}"))


class RecentAnswers:
    """The answers of the last ten minutes by call key, in memory, bounded; older ones are let go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()

    def get(self, key: str) -> Any | None:
        """The answer to this call, if it was given lately."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept and self._clock() - kept[0] < _KEPT_S else None

    def put(self, key: str, answer: Any) -> None:
        """Keep an answer, and let the oldest go."""
        with self._lock:
            now = self._clock()
            self._kept.pop(key, None)
            self._kept[key] = (now, answer)
            while len(self._kept) > _MOST_KEPT or now - next(iter(self._kept.values()))[0] >= _KEPT_S:
                self._kept.popitem(last=False)
