"""The last calls, in memory, for those who connect an EHR; demo and test mode only."""

import threading
from collections import deque

from cds_service.record.account import CallRecord

MOST_KEPT = 50


class RecentCalls:
    """The last fifty calls; what names the patient is let go at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[dict[str, str | int | float]] = deque(maxlen=MOST_KEPT)

    def add(self, call: CallRecord) -> None:
        """Keep one call, and let the oldest go."""
        row: dict[str, str | int | float] = {
            "time": call.at.isoformat(timespec="seconds"),
            "requestId": call.request_id,
            "status": call.status,
            "kind": call.came_to.kind,
            "reason": call.came_to.reason,
            "explained": call.came_to.explained,
            "milliseconds": call.milliseconds,
        }
        with self._lock:
            self._kept.appendleft({name: value for name, value in row.items() if value != ""})

    def latest(self) -> list[dict[str, str | int | float]]:
        """The calls, newest first."""
        with self._lock:
            return list(self._kept)
