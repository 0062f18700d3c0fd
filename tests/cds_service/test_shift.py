"""Moving a demo patient in time: everything together, and nothing else."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.demo.patients import DemoPatient, as_of, demo_patient, demo_patients, shift
from fhir_mappings.windows import instant

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (made aware)
FLAGGED = demo_patient("flagged").bundle
TIMES = re.compile(r'"(\d{4}-\d{2}-\d{2}T[^"]*)"')


def times(bundle: dict[str, Any]) -> list[datetime]:
    """Every instant of a bundle, in order."""
    return [datetime.fromisoformat(text) for text in TIMES.findall(json.dumps(bundle))]


def years(bundle: dict[str, Any]) -> int:
    """The patient's whole years on the day of the bundle's own moment."""
    born, day = date.fromisoformat(bundle["entry"][0]["resource"]["birthDate"]), as_of(bundle).date()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@given(MOMENTS)
def test_the_anchor_becomes_the_moment_and_distances_stay(to: datetime):
    """Whole seconds; all times move by the same amount."""
    moved = shift(FLAGGED, to)
    assert timedelta(seconds=1) > abs(as_of(moved) - to)
    by = as_of(moved) - as_of(FLAGGED)
    assert {by} == {after - before for before, after in zip(times(FLAGGED), times(moved), strict=True)}


@given(MOMENTS)
def test_nobody_grows_older(to: datetime):
    """The age at the bundle's own moment is the same whenever it is shown."""
    assert years(FLAGGED) == years(shift(FLAGGED, to))


@given(MOMENTS)
def test_moving_back_restores_the_bundle(to: datetime):
    """Nothing but times is touched, and none is lost."""
    assert FLAGGED == shift(shift(FLAGGED, to), as_of(FLAGGED))


def test_words_that_begin_with_a_time_and_offsets_are_kept():
    """Only whole values are times; a zone and fractions of a second stay."""
    bundle = {
        "timestamp": "2026-03-02T08:00:00Z",
        "text": "2026-03-02T08:00:00Z was the time of the scan",
        "local": "2026-03-02T09:00:00.500+01:00",
        "month": "2026-03",
    }
    moved = shift(bundle, datetime(2026, 3, 3, 8, tzinfo=UTC))
    assert bundle["text"] == moved["text"]
    assert instant("2026-03-03T09:00:00.500+01:00") == instant(moved["local"])
    assert "+01:00" in moved["local"]
    assert "2026-03" == moved["month"]


@pytest.mark.parametrize("patient", demo_patients(), ids=lambda patient: patient.id)
def test_no_demo_chart_holds_anything_from_the_future(patient: DemoPatient):
    """A chart opened at the bundle's own moment has been charted by then."""
    assert as_of(patient.bundle) == max(times(patient.bundle))
