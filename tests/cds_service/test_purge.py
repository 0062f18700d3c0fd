"""`endwatch purge` removes what is older than its retention, counts it, and touches nothing else."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from cds_service.cli import main
from cds_service.hooks.replays import KEPT, SeenToken
from cds_service.record.audit import Audit
from cds_service.record.feedback import keep_feedback
from cds_service.record.predictions import Predictions, keys_from
from cds_service.record.purge import purge
from cds_service.record.store import FeedbackRow, PredictionRow, StoreError, insert_once, open_store
from cds_service.settings import Settings
from tests.cds_service.test_audit import CALL
from tests.cds_service.test_predictions import KEY, OTHER, STORED
from tests.cds_service.test_record import feedback

NOW = datetime.now(UTC)
COMMENT = "Marker of a comment that has to go"


@pytest.fixture
def kept(tmp_path: Path) -> Settings:
    """Of each kind one that is just over its retention and one that is just within, by the defaults."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/endwatch.sqlite", audit_log=tmp_path / "log")
    engine = open_store(settings.database_url)
    (tmp_path / "log").mkdir()
    for over, name in ((1, "old"), (-1, "new")):
        hour = timedelta(hours=over)
        said = feedback(card=name, overrideReason={"userComment": COMMENT if name == "old" else "stays"})
        keep_feedback(engine, "end-risk", said, NOW - timedelta(days=365) - hour)
        as_of = NOW - timedelta(days=30) - hour
        Predictions(engine, keys_from(KEY)).keep(replace(STORED, hook_instance=name, as_of=as_of))
        token = {"token": f"token-{name}", "use": "u", "expires_at": NOW - KEPT - hour}
        with engine.begin() as connection:
            insert_once(connection, SeenToken, token)
        Audit(tmp_path / "log").write(replace(CALL, at=NOW - timedelta(days=2190 + over)))
    engine.dispose()
    return settings


def left(settings: Settings) -> tuple[list[str], list[str], list[str], int]:
    """Cards with feedback, calls with a prediction, seen tokens, audit files."""
    engine = open_store(settings.database_url)
    with Session(engine) as session:
        cards = list(session.scalars(select(FeedbackRow.card).order_by(FeedbackRow.id)))
        calls = list(session.scalars(select(PredictionRow.hook_instance).order_by(PredictionRow.id)))
        tokens = list(session.scalars(select(SeenToken.token).order_by(SeenToken.token)))
    engine.dispose()
    return cards, calls, tokens, len(list((settings.audit_log or Path()).iterdir()))


def test_what_is_over_its_retention_goes_and_all_else_stays(kept: Settings):
    """A second time there is nothing to do."""
    assert {"audit files": 1, "feedback": 1, "predictions": 1, "seen tokens": 1} == purge(kept, NOW)
    assert (["new"], ["new"], ["token-new"], 1) == left(kept)
    assert {0} == set(purge(kept, NOW).values())


def test_a_dry_run_counts_the_same_and_removes_nothing(kept: Settings):
    """What it says is what would go."""
    said = purge(kept, NOW, dry_run=True)
    assert (["old", "new"], ["old", "new"], ["token-new", "token-old"], 2) == left(kept)
    assert said == purge(kept, NOW)


def test_a_purged_comment_is_not_left_in_the_file(kept: Settings, tmp_path: Path):
    """Deleted rows of SQLite stay readable in free pages and in the log unless they are overwritten."""
    service = open_store(kept.database_url)  # it goes on running, and so keeps the log
    keep_feedback(service, "end-risk", feedback(card="later"))
    assert COMMENT.encode() in b"".join(file.read_bytes() for file in tmp_path.glob("endwatch.sqlite*"))
    purge(kept, NOW)
    assert COMMENT.encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("endwatch.sqlite*"))
    service.dispose()


@pytest.mark.parametrize(
    ("setting", "kind"),
    [("feedback_days", "feedback"), ("prediction_days", "predictions"), ("audit_days", "audit files")],
)
def test_each_kind_has_a_retention_of_its_own(kept: Settings, setting: str, kind: str):
    """Shortened, both of that kind go, and one of the others."""
    each = {"audit files": 1, "feedback": 1, "predictions": 1, "seen tokens": 1}
    assert each | {kind: 2} == purge(kept.model_copy(update={setting: 1}), NOW)


def test_predictions_that_no_key_reads_go_where_that_is_asked_for(kept: Settings):
    """A lost key must not keep the service from starting for the rest of the retention."""
    assert 1 == purge(kept, NOW, keys=keys_from(KEY), dry_run=True)["predictions"]
    assert 2 == purge(kept, NOW, keys=keys_from(OTHER))["predictions"]


def test_without_a_database_nothing_is_created(tmp_path: Path):
    """Run in the wrong folder, it says so."""
    with pytest.raises(StoreError, match=r"there is no database at .*endwatch\.sqlite"):
        purge(Settings(database_url=f"sqlite:///{tmp_path}/endwatch.sqlite"), NOW)
    assert [] == list(tmp_path.iterdir())


def run(settings: Settings, *words: str, **environment: Any) -> Result:
    """The command with the settings' places."""
    given = {"ENDWATCH_DATABASE_URL": settings.database_url, "ENDWATCH_AUDIT_LOG": str(settings.audit_log)}
    return CliRunner().invoke(main, ["purge", *words], env=given | environment)


def test_the_command_prints_how_much_of_each_kind(kept: Settings):
    """First what would go, then what went."""
    for words, last in ((("--dry-run",), "would be removed"), ((), "removed")):
        result = run(kept, *words)
        assert 0 == result.exit_code
        lines = [re.sub(" +", " ", line) for line in result.output.splitlines()]
        assert [f"{kind} 1 {last}" for kind in ("audit files", "feedback", "predictions", "seen tokens")] == lines


def test_the_command_says_in_one_sentence_what_is_wrong(kept: Settings):
    """No database, no key, a wrong key."""
    nowhere = kept.model_copy(update={"database_url": "sqlite:////nowhere/x.sqlite"})
    assert "Error: there is no database at /nowhere/x.sqlite\n" == run(nowhere).output
    wrong = run(kept, "--unreadable", ENDWATCH_PREDICTION_KEY="x" * 44)
    assert (1, True) == (wrong.exit_code, wrong.output.startswith("Error: ENDWATCH_PREDICTION_KEY: each key"))
