"""Whether a request is sent once more, and after how long: as its answer asks, and with some chance.

Chance keeps the requests that failed together from coming back together.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom

_JITTER_S = (0.05, 0.2)
_LEAST_S = 0.2
"""With less time left no answer is to be expected (assumption)."""

_WHOLE = re.compile(r"[0-9]{1,9}")
_RESET = re.compile(r"(?<!\w)(?:reset|t)=([0-9]{1,9})(?!\w)")
_random = SystemRandom()


def asked_to_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds for which an answer asks to be left alone; None where it asks nothing that can be read.

    ``Retry-After`` in seconds or as a date (RFC 9110 10.2.3), else the reset of ``RateLimit`` in its
    forms (draft-ietf-httpapi-ratelimit-headers 7: ``reset=5``, from 8 on: ``t=5``) or ``RateLimit-Reset``.
    """
    after = headers.get("Retry-After", "").strip()
    if after:
        return float(after) if _WHOLE.fullmatch(after) else _until_s(after, headers.get("Date"))
    if reset := _RESET.search(headers.get("RateLimit", "")):
        return float(reset[1])
    reset_s = headers.get("RateLimit-Reset", "").strip()
    return float(reset_s) if _WHOLE.fullmatch(reset_s) else None


def pause_before_retry_s(asked_s: float | None, left_s: float) -> float | None:
    """Seconds to wait before the one retry; None where it could not be answered in the time that is left."""
    pause_s = (asked_s or 0.0) + _random.uniform(*_JITTER_S)
    return pause_s if pause_s + _LEAST_S <= left_s else None


def _until_s(moment: str, now: str | None) -> float | None:
    """Seconds until an HTTP date, by the server's own clock where it tells it."""
    until = _date(moment)
    return None if until is None else max(0.0, (until - (_date(now) or datetime.now(UTC))).total_seconds())


def _date(text: str | None) -> datetime | None:
    """The moment of an HTTP date, aware; None where it is none."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
