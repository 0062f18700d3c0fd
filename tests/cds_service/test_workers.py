"""Several processes on one database and one audit folder: nothing is lost, and nothing is there twice."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cds_service.record.store import FeedbackRow, PredictionRow, open_store
from tests.cds_service.calls import audit_lines

WORKERS, EACH, SHARED = 4, 40, 20

# A worker opens the database as it is, waits for the others, then writes its own and everybody's.
WORKER = """
import sys, time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from cds_service.record.audit import Audit
from cds_service.record.feedback import keep_feedback
from cds_service.record.predictions import Predictions, keys_from
from cds_service.record.store import open_store
from tests.cds_service.test_audit import CALL
from tests.cds_service.test_predictions import KEY, STORED
from tests.cds_service.test_record import feedback

folder, url, me, each, shared = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
(folder / f"ready-{me}").touch()
while len(list(folder.glob("ready-*"))) < int(sys.argv[6]):
    time.sleep(0.005)
engine = open_store(url)
audit, predictions, new = Audit(folder / "log"), Predictions(engine, keys_from(KEY)), 0
for number in range(each):
    name = f"{me}-{number}"
    everybodys = feedback(card=f"shared-{number % shared}") + feedback(card=f"shared-{(number + 7) % shared}")
    new += keep_feedback(engine, "end-risk", (*feedback(card=name), *everybodys))
    predictions.keep(replace(STORED, hook_instance=f"shared-{number}"))
    predictions.keep(replace(STORED, hook_instance=name))
    audit.write(replace(CALL, request_id=name, issuer="x" * 3000))
print(new)
"""


def write_from_workers(folder: Path, url: str) -> int:
    """How many entries the workers together were told were new."""
    (folder / "log").mkdir()
    shared = [str(number) for number in (EACH, SHARED, WORKERS)]
    commands = [[sys.executable, "-c", WORKER, str(folder), url, str(number), *shared] for number in range(WORKERS)]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for command in commands]
    said = [worker.communicate(timeout=120) for worker in workers]
    assert [""] * WORKERS == [errors for _, errors in said]
    return sum(int(out) for out, _ in said)


def demand_all_once(folder: Path, url: str, new: int) -> None:
    """Each worker's own entries and lines, and the shared ones once."""
    engine = open_store(url)
    with Session(engine) as session:
        cards = Counter(session.scalars(select(FeedbackRow.card)))
        calls = Counter(session.scalars(select(PredictionRow.hook_instance)))
    engine.dispose()
    own = [f"{worker}-{number}" for worker in range(WORKERS) for number in range(EACH)]
    assert Counter([*own, *(f"shared-{number}" for number in range(SHARED))]) == cards
    assert Counter([*own, *(f"shared-{number}" for number in range(EACH))]) == calls
    assert WORKERS * EACH + SHARED == new
    assert sorted(own) == sorted(line["requestId"] for line in audit_lines(folder / "log"))


def test_four_processes_on_one_sqlite_file_lose_nothing_and_count_nothing_twice(tmp_path: Path):
    """They also lay the tables at the same moment, and their audit lines do not run into each other."""
    url = f"sqlite:///{tmp_path}/endwatch.sqlite"
    demand_all_once(tmp_path, url, write_from_workers(tmp_path, url))


def test_a_worker_that_is_killed_leaves_a_database_that_opens(tmp_path: Path):
    """What it had stored is there, once; what it had not is not."""
    url = f"sqlite:///{tmp_path}/endwatch.sqlite"
    code = (
        "import os, sys\n"
        "from cds_service.record.feedback import keep_feedback\n"
        "from cds_service.record.store import open_store\n"
        "from tests.cds_service.test_record import feedback\n"
        "engine = open_store(sys.argv[1])\n"
        "keep_feedback(engine, 'end-risk', feedback(card='kept'))\n"
        "connection = engine.connect()\n"
        "connection.exec_driver_sql(\"INSERT INTO feedback (service, card, outcome, outcome_timestamp, "
        "accepted_suggestions) VALUES ('s', 'lost', 'accepted', 't', '[]')\")\n"
        "print('ready', flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )  # fmt: skip
    run = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, timeout=60)
    assert ("ready", -9) == (run.stdout.strip(), run.returncode)
    engine = open_store(url)
    with Session(engine) as session:
        assert ["kept"] == session.scalars(select(FeedbackRow.card)).all()
    engine.dispose()
