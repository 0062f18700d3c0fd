"""Times: what a FHIR time means, and when the chart held a result."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Literal

from fhir_mappings.codes import table

Kind = Literal["nihss", "vitals", "labs", "reports", "procedures", "drugs", "conditions"]

_PARTIAL = re.compile(r"^(\d{4})(?:-(\d{2}))?$")
_YEARS = range(1900, 2200)
"""Beyond these a year is a placeholder, such as ``9999-12-31`` for "no end"."""


def instant(value: Any) -> datetime | None:
    """The moment a FHIR date, dateTime or instant names, aware; None where it names none.

    A date without a time is its first moment; a time without a zone is read as UTC, as a FHIR
    dateTime with a time must carry one. A placeholder year names no moment.
    """
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware if value.year in _YEARS else None
    if isinstance(value, date):
        return instant(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if not isinstance(value, str):
        return None
    if partial := _PARTIAL.match(value):
        value = f"{partial[1]}-{partial[2] or '01'}-01"
    try:
        return instant(datetime.fromisoformat(value))
    except ValueError:
        return None


def effective_of(resource: Any) -> datetime | None:
    """When an Observation or a report was taken: effective dateTime, instant or Period, else issued."""
    period = getattr(resource, "effectivePeriod", None)
    return (
        instant(getattr(resource, "effectiveDateTime", None))
        or instant(getattr(resource, "effectiveInstant", None))
        or (instant(period.start) or instant(period.end) if period else None)
        or instant(getattr(resource, "issued", None))
    )


def doubt_of_time(resource: Any) -> str | None:
    """Why the moment of a result is less sure than it looks; None where it is a charted time."""
    charted = getattr(resource, "effectiveDateTime", None)
    if charted is not None:
        return None if isinstance(charted, datetime) else "a date without a time, taken as its first moment"
    charted = getattr(resource, "effectiveInstant", None) or getattr(resource, "effectivePeriod", None)
    return None if charted is not None else "no time of its own, the time of its issue is used"


def available_at(kind: Kind, effective: datetime, issued: datetime | None, *, live: bool) -> datetime:
    """When the chart held a result: its ``issued``, else its effective time plus the lag of its kind.

    In a live call the chart itself is the proof, and the lag is none.
    """
    if issued is not None:
        return max(effective, issued)
    return effective if live else effective + timedelta(hours=_lags()[kind])


@cache
def _lags() -> dict[str, float]:
    return table("lags.toml")
