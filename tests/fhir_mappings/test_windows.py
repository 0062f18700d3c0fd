"""Times: what FHIR times mean, and when the chart held a result."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.codes import table
from fhir_mappings.reading import read
from fhir_mappings.windows import Kind, available_at, doubt_of_time, effective_of, instant
from tests.builders import T0, at, observation, when

_AWARE = st.builds(
    lambda since, hours: (T0 + since).astimezone(timezone(timedelta(hours=hours))),
    st.timedeltas(timedelta(days=-40_000), timedelta(days=60_000)),
    st.integers(-14, 14),
)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-02T10:00:00+02:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02T08:00:00Z", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", None),
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5))), None),
        (date(1, 1, 1), None),
        ("yesterday", None),
        ("2026-13", None),
        (None, None),
        (20260302, None),
    ],
)
def test_a_fhir_time_names_a_moment_or_none(value: Any, moment: datetime | None) -> None:
    """Full, partial and placeholder times; nothing unreadable is guessed."""
    assert moment == instant(value)


@given(_AWARE)
def test_a_written_moment_is_read_back(moment: datetime) -> None:
    """ISO text and moment mean the same, whatever the zone."""
    assert moment == instant(moment.isoformat())


@given(st.text(max_size=30) | st.datetimes() | st.dates() | st.none() | st.integers())
def test_every_moment_is_aware(value: Any) -> None:
    """No reading of a time ends in a naive datetime or an exception."""
    moment = instant(value)
    assert moment is None or moment.tzinfo is not None


def test_a_result_is_available_when_issued() -> None:
    """A CT effective at 01:00 and issued at 05:00 is not seen at 03:00, live or not."""
    assert at(5) == available_at("reports", at(1), at(5), live=True)
    assert at(5) == available_at("reports", at(1), at(5), live=False)


def test_nothing_is_available_before_it_was_taken() -> None:
    """An ``issued`` before the effective time does not make a value known early."""
    assert at(2) == available_at("labs", at(2), at(1), live=False)


def test_without_issued_the_lag_stands_in_only_for_the_past() -> None:
    """In a live call the chart is the proof; in training the lag of the kind is added."""
    assert at(1) == available_at("labs", at(1), None, live=True)
    assert at(2) == available_at("labs", at(1), None, live=False)
    assert at(1) == available_at("vitals", at(1), None, live=False)
    assert at(1) == available_at("nihss", at(1), None, live=False)


def test_every_kind_has_a_lag() -> None:
    """The lag table and the kinds name the same results."""
    assert set(get_args(Kind)) == set(table("lags.toml"))
    assert all(lag >= 0 for lag in table("lags.toml").values())


def _read(**members: Any) -> Any:
    raw = {**observation("2345-7", 100, "mg/dL", 1), **members}
    return read({key: value for key, value in raw.items() if value is not None}, "p1")[0]


@pytest.mark.parametrize(
    ("members", "moment", "doubt"),
    [
        ({}, at(1), None),
        ({"effectiveDateTime": None, "effectivePeriod": {"start": when(2), "end": when(3)}}, at(2), None),
        ({"effectiveDateTime": None, "effectivePeriod": {"end": when(3)}}, at(3), None),
        ({"effectiveDateTime": None, "effectiveInstant": when(4)}, at(4), None),
        ({"effectiveDateTime": None, "issued": when(5)}, at(5), "no time of its own, the time of its issue is used"),
        ({"effectiveDateTime": "2026-03-02"}, at(-8), "a date without a time, taken as its first moment"),
    ],
)
def test_the_effective_time_is_found_and_its_doubt_said(
    members: dict[str, Any], moment: datetime, doubt: str | None
) -> None:
    """DateTime, Period, instant, else issued; what is not a charted time is said."""
    resource = _read(**members)
    assert (moment, doubt) == (effective_of(resource), doubt_of_time(resource))


def test_no_time_at_all_is_no_time() -> None:
    """A result without any time is not given one."""
    assert effective_of(_read(effectiveDateTime=None)) is None
