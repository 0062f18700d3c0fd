"""Times: what a FHIR time means, and when the chart held a result."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Literal

from fhir_mappings.codes import table

Kind = Literal["nihss", "vitals", "labs", "reports", "procedures", "drugs", "conditions"]

_PARTIAL = re.compile(r"^(\d{4})(?:-(\d{2}))?$")


def instant(value: Any) -> datetime | None:
    """The moment a FHIR date, dateTime or instant names, aware; None where it names none.

    A date without a time is its first moment; a time without a zone is read as UTC, as a FHIR
    dateTime with a time must carry one.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
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
