"""The store on a real PostgreSQL: a cluster of the test's own, which listens on a socket in its folder alone."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from cds_service.errors import NotReady
from cds_service.record.feedback import keep_feedback
from cds_service.record.predictions import Predictions, keys_from, read_predictions
from cds_service.record.purge import purge
from cds_service.record.store import Base, FeedbackRow, open_store
from cds_service.settings import Settings
from tests.cds_service.test_predictions import KEY, STORED
from tests.cds_service.test_record import feedback
from tests.cds_service.test_workers import demand_all_once, write_from_workers

USER = "postgres"
"""PostgreSQL refuses to run as root: then the cluster is this user's."""


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, which Debian keeps off the path."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


class Cluster:
    """A cluster in a folder, started and stopped at will."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        self.url = f"postgresql://{USER}@/postgres?host={folder}"

    def run(self, program: str, *words: str) -> None:
        """One of PostgreSQL's programs, as who may run it."""
        as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        command = [*as_user, str(self.programs / program), "-D", str(self.folder / "data"), *words]
        subprocess.run(command, check=True, timeout=60, cwd=self.folder, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """On its socket, without a port."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self.run("pg_ctl", "-w", "-t", "30", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """At once, as a machine that goes down does."""
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A running cluster; skipped where PostgreSQL, its driver or its user is not there."""
    pytest.importorskip("psycopg", reason="needs the postgres extra")
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (initdb not found)")
    folder = Path(tempfile.mkdtemp(prefix="endwatch-pg-"))  # a socket's path is short, and another user has to reach it
    try:
        if os.geteuid() == 0:
            try:
                shutil.chown(folder, USER)
            except LookupError:
                pytest.skip(f"PostgreSQL cannot run as root, and there is no user {USER}")
        one = Cluster(folder, programs)
        one.run("initdb", "-U", USER, "-A", "trust", "--no-sync")
        one.start()
        yield one
        one.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """A store without tables."""
    yield cluster.url
    engine = open_store(cluster.url)
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An empty store."""
    engine = open_store(url)
    yield engine
    engine.dispose()


def cards(engine: Engine) -> list[str]:
    """The cards with feedback."""
    with Session(engine) as session:
        return list(session.scalars(select(FeedbackRow.card).order_by(FeedbackRow.id)))


def test_feedback_is_kept_once_with_all_that_was_said(engine: Engine):
    """NUL is no text for PostgreSQL: it costs nothing but itself."""
    said = {"reason": {"code": "their\0own", "system": "s"}, "userComment": "a\0b"}
    assert [1, 0] == [keep_feedback(engine, "end-risk", feedback(overrideReason=said)) for _ in range(2)]
    with Session(engine) as session:
        row = session.scalars(select(FeedbackRow)).one()
        assert ("theirown", "ab", UTC) == (row.reason_code, row.user_comment, row.received_at.astimezone(UTC).tzinfo)  # type: ignore[union-attr]


def test_four_processes_lose_nothing_and_count_nothing_twice(url: str, tmp_path: Path):
    """They lay the tables at the same moment, and their batches overlap in different orders."""
    demand_all_once(tmp_path, url, write_from_workers(tmp_path, url))


def test_predictions_are_found_and_read(engine: Engine):
    """As on SQLite."""
    keys = keys_from(KEY)
    Predictions(engine, keys).keep(STORED)
    assert (STORED,) == read_predictions(engine, keys, STORED.server, STORED.patient_id)


def test_purge_removes_by_age(engine: Engine, cluster: Cluster):
    """Moments are compared as moments."""
    now = datetime.now(UTC)
    for name, days in (("old", 366), ("new", 364)):
        keep_feedback(engine, "end-risk", feedback(card=name), now - timedelta(days=days))
    settings = Settings(database_url=cluster.url)
    assert 1 == purge(settings, now, dry_run=True)["feedback"] == purge(settings, now)["feedback"]
    assert ["new"] == cards(engine)


def test_an_earlier_version_s_table_gains_its_columns(url: str, cluster: Cluster):
    """Rows stay, and count as received at the upgrade."""
    before = open_store(url)
    keep_feedback(before, "end-risk", feedback(card="kept"))
    with before.begin() as connection:
        connection.execute(text("ALTER TABLE feedback DROP COLUMN received_at, DROP COLUMN reason_system"))
    before.dispose()
    engine = open_store(url)
    with Session(engine) as session:
        row = session.scalars(select(FeedbackRow)).one()
        assert ("kept", True) == (row.card, row.received_at is not None)
    engine.dispose()


def test_a_database_that_went_away_is_503_and_back_again_it_is_used(engine: Engine, cluster: Cluster):
    """No restart of the service is needed, and what was stored is there."""
    keep_feedback(engine, "end-risk", feedback(card="before"))
    cluster.stop()
    with pytest.raises(NotReady):
        keep_feedback(engine, "end-risk", feedback(card="meanwhile"))
    cluster.start()
    assert 1 == keep_feedback(engine, "end-risk", feedback(card="after"))
    assert ["before", "after"] == cards(engine)


def test_a_database_that_was_restarted_between_two_calls_costs_neither(engine: Engine, cluster: Cluster):
    """Connections that broke meanwhile are replaced before they are used."""
    keep_feedback(engine, "end-risk", feedback(card="before"))
    cluster.stop()
    cluster.start()
    assert 1 == keep_feedback(engine, "end-risk", feedback(card="after"))
