"""How many calls are at work at once; one more waits a moment, and is then told to come again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cds_service.errors import Busy

WAIT_S = 0.5
"""How long a call may wait for its turn, of the 2.5 s that it has (assumption)."""


class Gate:
    """Lets ``places`` calls work and as many wait; the others are refused at once."""

    def __init__(self, places: int, *, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._present, self._working = threading.Semaphore(2 * places), threading.Semaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place at work for the time of a ``with``. Raises `Busy`."""
        if not self._present.acquire(blocking=False):
            raise Busy("too many calls at once")
        try:
            if not self._working.acquire(timeout=self._wait_s):
                raise Busy("too many calls at once")
            try:
                yield
            finally:
                self._working.release()
        finally:
            self._present.release()
