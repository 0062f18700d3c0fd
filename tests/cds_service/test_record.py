"""What is kept: feedback once, audit without the patient, from many threads and whatever the database does."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cds_service.errors import NotReady
from cds_service.hooks.messages import Feedback, parse_feedback
from cds_service.record.audit import Audit
from cds_service.record.feedback import keep_feedback
from cds_service.record.store import AuditRow, Base, FeedbackRow, open_store
from tests import builders as b

ENTRY = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}


def feedback(**changed: Any) -> tuple[Feedback, ...]:
    """One entry, as it comes over the wire."""
    return parse_feedback({"feedback": [ENTRY | changed]}).feedback


def write(engine: Engine, kind: str = "risk", reason: str = "flagged") -> None:
    """One audit row."""
    Audit(engine).write(at=b.T0, hook_instance="instance-1", kind=kind, reason=reason, milliseconds=12.5)


@pytest.fixture(params=["memory", "file"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty store, in memory as in demo and test, and in a new folder as in production."""
    engine = open_store("sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/new/endwatch.sqlite")
    yield engine
    engine.dispose()


def test_a_repeated_entry_is_stored_once_and_a_changed_mind_beside_it(engine: Engine):
    """EHRs send feedback again; a later outcome for the same card is news."""
    accepted = {
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": "s1"}],
        "outcomeTimestamp": "2026-03-02T11:00:00Z",
    }
    assert [1, 0, 1] == [
        keep_feedback(engine, "end-risk", one) for one in (feedback(), feedback(), feedback(**accepted))
    ]
    assert 0 == keep_feedback(engine, "end-risk", (*feedback(), *feedback()))


def test_reason_and_comment_are_kept(engine: Engine):
    """They are what a site reviews; a reason needs no display (the Sandbox sends none)."""
    reason = {"reason": {"code": "data-wrong", "system": "s"}, "userComment": "examined again"}
    keep_feedback(engine, "end-risk", feedback(overrideReason=reason))
    with Session(engine) as session:
        row = session.scalars(select(FeedbackRow)).one()
        assert ("data-wrong", "examined again", "end-risk") == (row.reason_code, row.user_comment, row.service)


def test_many_threads_write_at_once_and_nothing_is_lost(engine: Engine):
    """In memory there is one connection: two threads on it would crash the process."""

    def one(_: int) -> int:
        write(engine)
        return keep_feedback(engine, "end-risk", feedback())

    with ThreadPoolExecutor(8) as pool:
        assert 1 == sum(pool.map(one, range(80)))
    with Session(engine) as session:
        assert 80 == len(session.scalars(select(AuditRow)).all())


def test_an_audit_row_has_no_column_for_the_patient():
    """Outcome, reason, model and duration; no id, name or value."""
    assert {"id", "at", "hook_instance", "kind", "reason", "model", "flagged", "milliseconds"} == set(
        AuditRow.__table__.columns.keys()
    )


def test_a_store_that_fails_asks_for_feedback_again_and_costs_no_card(caplog: pytest.LogCaptureFixture):
    """Feedback is sent again after 503; an audit row is lost, and said, but the card is shown."""
    engine = open_store("sqlite://")
    Base.metadata.drop_all(engine)
    with pytest.raises(NotReady):
        keep_feedback(engine, "end-risk", feedback())
    with caplog.at_level(logging.ERROR):
        write(engine)
    engine.dispose()
    assert "audit row lost: instance-1 risk flagged (OperationalError)" in caplog.text
