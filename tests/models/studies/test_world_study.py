"""A world's study at toy size: it ends, goes on where it was interrupted, and says that it is simulated."""

import json
import shutil
from pathlib import Path

import pytest

from models.comparators import COMPARATORS
from models.studies.scoring import NETWORK
from models.studies.worlds import run_world
from tests.models.trained import quick_config

TINY = """
title = "tiny"
landmarks_h = [6.0, 24.0]
training_config = "{config}"
[train]
seed = 101
patients = 130
sizes = [50, 100]
replicates = 2
[test]
seed = 102
patients = 130
phrasings = ["training", "held-out"]
[oracle]
seed = 103
stays = 400
check_seed = 104
check_stays = 150
"""


def quiet(_title: str):
    """No progress is shown."""
    return lambda _done, _total: None


@pytest.mark.slow
def test_a_study_ends_with_its_documents_and_goes_on_where_it_was(tmp_path: Path):
    """Every size and wording has a report that opens with the simulation; a second run repeats the summary."""
    settings, out = tmp_path / "tiny.toml", tmp_path / "study"
    settings.write_text(TINY.format(config=quick_config(tmp_path)), "utf-8")
    summary = run_world("a", out, quiet, config=settings)
    pages = sorted(page.parent.name for page in out.glob("*/report.html"))
    assert [f"{size} stays, {half} phrases" for size in (100, 50) for half in ("held-out", "training")] == pages
    document = json.loads((out / "50 stays, training phrases" / "evaluation.json").read_text("utf-8"))
    assert "simulated" in document["statement"]
    assert "nothing about real patients" in document["statement"]
    assert {NETWORK, *COMPARATORS} < set(document["models"])
    small, large = summary["by_size"]
    assert (2, 1) == (small["replicates"], large["replicates"])
    (out / "risks" / "50-00" / f"{NETWORK} on training.safetensors").unlink()
    (out / "oracles" / "structured on held-out.safetensors").unlink()
    assert summary == run_world("a", out, quiet, config=settings)
    shutil.rmtree(out / "risks")
    assert summary == run_world("a", out, quiet, config=settings, processes=2)  # whoever trains, the answers are these


def test_a_folder_of_another_study_is_refused(tmp_path: Path):
    """Sets of other settings would be taken for this study's."""
    (tmp_path / "study.sha256").write_text("0" * 64, "utf-8")
    with pytest.raises(ValueError, match="other settings"):
        run_world("a", tmp_path, quiet)
