"""The account of one call, from its arrival to the status it was answered with."""

import re
import time
from dataclasses import dataclass, field
from datetime import datetime

from cds_service.errors import CdsError, NotAuthenticated

_CODE = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class CameTo:
    """What a call came to: a kind, a reason code, and where there is more to say a sentence without values.

    ``kind`` is that of the conclusion, or ``outside``, ``repeated``, ``feedback``, ``refused`` (4xx),
    ``failed`` (5xx); ``model`` and ``flagged`` stand only where a number was computed.
    """

    kind: str
    reason: str = ""
    explained: str = ""
    model: str | None = None
    flagged: bool | None = None


@dataclass(frozen=True)
class CallRecord:
    """One call once it is over; ``patient_id`` never leaves as it is."""

    at: datetime
    request_id: str
    status: int
    milliseconds: float
    came_to: CameTo
    hook_instance: str | None = None
    issuer: str | None = None
    patient_id: str | None = field(default=None, repr=False)


@dataclass
class Account:
    """What is known of a call while it runs; each step adds what it found. ``begun``: its `time.monotonic` moment."""

    request_id: str
    begun: float
    issuer: str | None = None
    hook_instance: str | None = None
    patient_id: str | None = field(default=None, repr=False)
    came_to: CameTo = CameTo("")
    error: Exception | None = None

    def closed(self, at: datetime, status: int) -> CallRecord:
        """The record of the call, answered with this status."""
        return CallRecord(
            at=at,
            request_id=self.request_id,
            status=status,
            milliseconds=round((time.monotonic() - self.begun) * 1000, 1),
            came_to=self.came_to if status < 400 else _not_answered(status, self.error),
            hook_instance=self.hook_instance,
            issuer=self.issuer,
            patient_id=self.patient_id,
        )


def _not_answered(status: int, error: Exception | None) -> CameTo:
    """Why a call got no cards. Of an error that is not ours only the type is kept: it could quote a chart."""
    kind = "failed" if status >= 500 else "refused"
    if error is None:
        return CameTo(kind, f"status-{status}")
    said = isinstance(error, CdsError) and not isinstance(error, NotAuthenticated)
    return CameTo(kind, _code(error), str(error).encode("utf-8", "replace").decode() if said else "")


def _code(error: Exception) -> str:
    """``missing-data:prefetch.nihss``, ``not-authenticated:expired``, ``arithmetic-error``."""
    name = _CAPITAL.sub("-", type(error).__name__).lower()[:60]
    if not isinstance(error, CdsError):
        return name
    said = error.message.partition(":")[0] if isinstance(error, NotAuthenticated) else error.field or ""
    return f"{name}:{said}" if _CODE.fullmatch(said) else name
