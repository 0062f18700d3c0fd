"""Several versions of one resource: the one that the chart held at a moment."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.chart import RawChart
from fhir_mappings.pipeline import history_from, replayed, snapshot_from
from fhir_mappings.versions import has_versions, held_at
from tests import builders as b
from tests.builders import PATIENT_ID, at, when


def version(text: str, issued: float, status: str = "final", updated: float | None = None) -> dict[str, Any]:
    """A version of report r1."""
    meta = {} if updated is None else {"meta": {"lastUpdated": when(updated)}}
    return b.report(text, hours=1, issued=issued, status=status) | meta


FIRST, AMENDED = version("No hemorrhage.", 2), version("Small hemorrhage.", 9, "amended")


def chart(*reports: dict[str, Any]) -> RawChart:
    """A stroke patient's chart with these reports."""
    held = {"patient": (b.patient(),), "encounters": (b.encounter(),), "conditions": (b.condition(),)}
    return RawChart(PATIENT_ID, {**held, "reports": reports})


@pytest.mark.parametrize(("hours", "read"), [(1.5, []), (3, ["No hemorrhage."]), (10, ["Small hemorrhage."])])
@pytest.mark.parametrize("order", [1, -1])
def test_an_amended_report_is_read_in_the_version_of_the_moment(hours: float, read: list[str], order: int) -> None:
    """Nothing that was written after ``as_of`` is used, and nothing that was corrected by then."""
    raw = chart(*[FIRST, AMENDED][::order])
    assert read == [one.text for one in snapshot_from(raw, at(hours), live=False).reports]
    history = history_from(raw, at(24), live=False)
    assert read == [one.text for one in replayed(raw, history, at(hours)).reports]


def test_a_report_withdrawn_later_counts_until_then() -> None:
    """Entered in error at 9 h: used at 3 h, gone at 10 h."""
    raw = chart(FIRST, version("No hemorrhage.", 9, "entered-in-error"))
    assert 1 == len(snapshot_from(raw, at(3), live=False).reports)
    assert () == snapshot_from(raw, at(10), live=False).reports


def test_versions_with_one_issue_time_are_told_apart_by_their_last_update() -> None:
    """A server that keeps ``issued`` says in ``meta`` when it changed."""
    old, new = version("Old.", 2, updated=2), version("New.", 2, updated=9)
    assert [old] == held_at([old, new], at(3))
    assert [new] == held_at([old, new], at(9))
    assert [new] == held_at([new, old])


def test_a_lone_version_stays_whatever_its_meta_says() -> None:
    """``lastUpdated`` is often the day on which a server was loaded."""
    late = version("Only one.", 2, updated=9000)
    assert [late] == held_at([late], at(3))
    assert not has_versions([late, dict(late)])
    assert has_versions([FIRST, AMENDED])


@given(st.lists(st.sampled_from([None, 7, "x", {}, {"id": 3}, {"resourceType": "Observation"}, FIRST, AMENDED])))
def test_junk_is_kept_for_the_reading_to_refuse(raws: list[Any]) -> None:
    """Choosing versions neither raises nor hides what is no resource."""
    kept = held_at(raws, at(3))
    assert len([raw for raw in raws if raw not in (FIRST, AMENDED)]) == len(
        [x for x in kept if x not in (FIRST, AMENDED)]
    )
