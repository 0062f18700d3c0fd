"""Feedback: kept once, whatever is sent, from many threads, over a restart, and whatever the database does."""

import logging
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.orm import Session

from cds_service.app import create_app
from cds_service.errors import NotReady
from cds_service.hooks.messages import Feedback, parse_feedback
from cds_service.record.feedback import keep_feedback
from cds_service.record.store import Base, FeedbackRow, StoreError, open_store, sqlite_file
from cds_service.settings import FhirServer, Issuer, Settings, SettingsError
from tests.cds_service.calls import client
from tests.fakes import BASE, FakePredictor

ENTRY = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}


def feedback(**changed: Any) -> tuple[Feedback, ...]:
    """One entry, as it comes over the wire."""
    return parse_feedback({"feedback": [ENTRY | changed]}).feedback


def kept(engine: Engine) -> FeedbackRow:
    """The one row."""
    with Session(engine, expire_on_commit=False) as session:
        return session.scalars(select(FeedbackRow)).one()


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


def test_card_suggestions_reason_and_comment_are_kept(engine: Engine):
    """They are what a site reviews; a reason needs no display (the Sandbox sends none)."""
    reason = {"reason": {"code": "data-wrong", "system": "s"}, "userComment": "examined again"}
    keep_feedback(engine, "end-risk", feedback(overrideReason=reason, acceptedSuggestions=[{"id": "s1"}, {"id": "s2"}]))
    row = kept(engine)
    assert ("c1", '["s1", "s2"]') == (row.card, row.accepted_suggestions)
    assert ("s", "data-wrong", "examined again", "end-risk") == (
        row.reason_system, row.reason_code, row.user_comment, row.service,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "system", "code"),
    [
        ({"code": "their-own", "system": "https://ehr.example/reasons", "display": "Theirs"},
         "https://ehr.example/reasons", "their-own"),
        ({"code": 7}, None, "7"),
        ({"display": "words alone"}, None, None),
        ({"code": "a\0b\ud800c", "system": None}, None, "ab?c"),
        ({"code": "x" * 500, "system": "y" * 500}, "y" * 256, "x" * 128),
        ({}, None, None),
    ],
)  # fmt: skip
def test_a_reason_that_is_not_ours_is_kept_by_system_and_code(
    engine: Engine, reason: dict[str, Any], system: str | None, code: str | None
):
    """What an EHR makes of a reason must not lose the feedback: it is bounded, and no database refuses it."""
    assert 1 == keep_feedback(engine, "end-risk", feedback(overrideReason={"reason": reason}))
    assert (system, code) == (kept(engine).reason_system, kept(engine).reason_code)


@pytest.mark.parametrize(
    "changed",
    [{"card": "a\0b"}, {"acceptedSuggestions": [{"id": "s1"}] * 201}, {"overrideReason": {"userComment": "x" * 4001}}],
)
def test_what_no_database_takes_is_400_and_not_503(changed: dict[str, Any]):
    """503 would have it sent again without end; what is sent is bounded."""
    response = client().post("/cds-services/end-risk/feedback", json={"feedback": [ENTRY | changed]})
    assert 400 == response.status_code


def test_a_comment_is_kept_out_of_every_log_and_answer(caplog: pytest.LogCaptureFixture):
    """Free text of a clinician may name the patient."""
    caplog.set_level(logging.DEBUG)
    comment = {"userComment": "Mrs. Marker\nERROR forged"}
    service = client()
    for body in ({"feedback": [ENTRY | {"overrideReason": comment}]}, {"feedback": [ENTRY | {"card": comment}]}):
        assert "Marker" not in service.post("/cds-services/end-risk/feedback", json=body).text + caplog.text


def test_many_threads_write_at_once_and_nothing_is_lost(engine: Engine):
    """In memory there is one connection: two threads on it would crash the process."""
    cards = [feedback(card=f"c{number % 40}") for number in range(80)]
    with ThreadPoolExecutor(8) as pool:
        assert 40 == sum(pool.map(lambda one: keep_feedback(engine, "end-risk", one), cards))


def test_feedback_is_there_after_a_restart_and_not_taken_twice(tmp_path: Path):
    """A new process opens the same file."""
    for expected in (1, 0):
        engine = open_store(f"sqlite:///{tmp_path}/endwatch.sqlite")
        assert expected == keep_feedback(engine, "end-risk", feedback())
        engine.dispose()


def test_a_store_that_fails_asks_for_feedback_again():
    """503: an EHR that sends it again finds it not yet stored."""
    engine = open_store("sqlite://")
    Base.metadata.drop_all(engine)
    with pytest.raises(NotReady):
        keep_feedback(engine, "end-risk", feedback())
    engine.dispose()


def test_a_batch_that_fails_midway_stores_nothing(tmp_path: Path):
    """So that the whole of it may be sent again."""
    engine = open_store(f"sqlite:///{tmp_path}/endwatch.sqlite")
    with engine.begin() as connection:
        connection.execute(text(
            "CREATE TRIGGER no BEFORE INSERT ON feedback WHEN NEW.card = 'c2' BEGIN SELECT RAISE(ABORT, 'no'); END"
        ))  # fmt: skip
    with pytest.raises(NotReady):
        keep_feedback(engine, "end-risk", (*feedback(), *feedback(card="c2")))
    with Session(engine) as session:
        assert [] == session.scalars(select(FeedbackRow)).all()
    engine.dispose()


def test_a_file_is_in_wal_mode_waits_for_other_writers_and_is_ours_alone(tmp_path: Path):
    """Readers and a writer do not wait for each other; comments are nobody else's to read."""
    engine = open_store(f"sqlite:///{tmp_path}/endwatch.sqlite")
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "secure_delete")
        ]
    assert ["wal", 2000, 1] == found
    assert [0] == list({stat.S_IMODE(file.stat().st_mode) & 0o077 for file in tmp_path.iterdir()})
    engine.dispose()


def test_a_database_of_an_earlier_version_gains_its_columns_and_keeps_its_rows(tmp_path: Path):
    """What was stored before counts as received at the upgrade."""
    url = f"sqlite:///{tmp_path}/endwatch.sqlite"
    old = create_engine(url)
    with old.begin() as connection:
        connection.execute(text(
            "CREATE TABLE feedback (id INTEGER PRIMARY KEY, service VARCHAR(64) NOT NULL, card VARCHAR(64) NOT NULL, "
            "outcome VARCHAR(16) NOT NULL, outcome_timestamp VARCHAR(40) NOT NULL, accepted_suggestions TEXT NOT NULL, "
            "reason_code VARCHAR(128), user_comment TEXT, UNIQUE (card, outcome, outcome_timestamp))"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO feedback (service, card, outcome, outcome_timestamp, accepted_suggestions) "
            "VALUES ('end-risk', 'c1', 'overridden', '2026-03-02T10:05:31Z', '[]')"
        ))  # fmt: skip
    old.dispose()
    engine = open_store(url)
    assert 0 == keep_feedback(engine, "end-risk", feedback())
    received = kept(engine).received_at
    assert received is not None
    assert timedelta(minutes=1) > datetime.now(UTC) - received
    engine.dispose()


def test_a_moment_is_the_same_moment_when_it_comes_back(engine: Engine):
    """SQLite keeps no zone: moments are stored in UTC, so that older and newer can be compared."""
    moment = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    keep_feedback(engine, "end-risk", feedback(), moment)
    assert (moment, UTC) == (kept(engine).received_at, kept(engine).received_at.tzinfo)  # type: ignore[union-attr]
    with Session(engine) as session:
        earlier = select(FeedbackRow).where(FeedbackRow.received_at < datetime(2026, 3, 1, 23, 31, tzinfo=UTC))
        assert 1 == len(session.scalars(earlier).all())


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", "this is no database URL"),
        ("mysql://u:secret@h/d", "has to be SQLite or PostgreSQL"),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be opened (OperationalError)"),
        ("sqlite:////dev/null/x.sqlite", "cannot be opened"),
        ("sqlite:////dev/null", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_opened_is_said_without_its_url(url: str, why: str):
    """The URL may hold a password."""
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert why in str(caught.value)
    assert "secret" not in str(caught.value)


def test_start_up_stops_with_the_setting_s_name_where_a_database_or_folder_is_unusable(tmp_path: Path):
    """Before the first call, not at it."""
    ready: dict[str, Any] = {
        "fhir_servers": (FhirServer(base=BASE),),
        "issuers": (Issuer(iss="https://ehr.example", jwks_file=tmp_path / "keys.json"),),
        "simulated_risk": "show",
        "public_base_url": "https://cds.example",
        "database_url": f"sqlite:///{tmp_path}/endwatch.sqlite",
    }
    (tmp_path / "file").touch()
    for wrong in ({"database_url": "nonsense"}, {"audit_log": tmp_path / "file"}):
        (name,) = wrong
        with pytest.raises(SettingsError, match=f"ENDWATCH_{name.upper()}: "):
            create_app(Settings(**ready | wrong), predictor=FakePredictor())


def test_only_a_file_is_a_file():
    """Memory and PostgreSQL have none."""
    assert (None, None, None, Path("a/b.sqlite")) == tuple(
        map(sqlite_file, ("sqlite://", "sqlite:///:memory:", "postgresql://h/d", "sqlite:///a/b.sqlite"))
    )
