"""The model card: what it says first, every figure from the artifact's own files, and what was not measured."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.calibrate import Calibration
from models.evaluation.goals import Goal, Limit
from models.source_attributes import read_source_attributes
from models.training import shown
from models.training.report import model_card, write_documents
from tests.models.documented import CALIBRATION, ENCODER, EVALUATION, MANIFEST, READER, figure, figures, written

ROOT = Path(__file__).parents[2]
MARKETING = ("state of the art", "state-of-the-art", "robust", "powerful", "accurate", "cutting", "seamless", "best")


def card(
    calibration: Calibration = CALIBRATION, manifest: dict[str, Any] = MANIFEST, reader: Any = None, **changes: Any
) -> str:
    """The card of a made-up artifact, with changes of the evaluation's top-level fields."""
    return model_card(manifest, EVALUATION | changes, calibration, ENCODER, reader)


def section(text: str, heading: str) -> str:
    """What stands under one heading."""
    return text.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def test_simulated_patients_come_before_anything_else():
    """The first paragraph below the title says what the weights were trained on and that no figure is real."""
    first = card().split("\n\n")[1]
    assert first.startswith("**The weights are trained on simulated patients.")
    assert "no figure below says anything about them" in first


def test_a_local_model_says_so_and_is_not_called_simulated():
    """Another population has words of its own, before the figures and in what was never done."""
    local = MANIFEST | {"name": "end-here-1", "training_population": "local", "cohort": {}}
    text = card(manifest=local, statement="Figures of the site's own patients.")
    assert "simulated" not in text
    assert "another site" in section(text, "What was never done")


def test_an_unknown_population_gets_no_card():
    """Nothing is said of patients that nobody described."""
    with pytest.raises(KeyError, match="guessed"):
        card(manifest=MANIFEST | {"training_population": "guessed"})


def test_the_card_names_what_was_never_done():
    """No validation on real patients, no clinician's review of the phrases."""
    never = section(card(), "What was never done")
    assert "Validation on real patients" in never
    assert "review by clinicians of the phrases" in never


def test_the_encoder_and_the_adapters_are_named_by_hash():
    """SHA-256 of the encoder's weights and tokenizer, and what reader.json says; without one, rules alone."""
    text = section(card(reader=READER), "The text reader")
    assert ENCODER.weights_sha256 in text
    assert ENCODER.tokenizer_sha256 in text
    assert "5a" * 32 in text
    assert "adapter.rank 8, adapter.targets query value" in text
    assert "training half" in text
    assert "no reader of findings was trained" in section(card(), "The text reader")


def test_how_the_reader_read_new_wording_is_a_table():
    """One row a finding; what could not be computed says so; a reader that was not asked has no table."""
    found = {
        "sentences": 2000, "auc_present": {"occlusion": 0.9786, "thrombectomy_declined": None},
        "mentions": {"occlusion": 174, "thrombectomy_declined": 13}, "mention_recall": 0.79,
        "mention_precision": 0.95, "assertion_right": 0.87,
    }  # fmt: skip
    text = section(card(reader=READER | {"new_wording": found}), "The text reader")
    assert "| occlusion | 174 | 0.979 |" in text
    assert "| thrombectomy_declined | 13 | not computable |" in text
    assert "0.79 found, 0.95 of the found right; 0.87 of the assertions right" in text
    assert "| finding |" not in section(card(reader=READER), "The text reader")


def test_each_set_of_rows_has_its_figures():
    """All rows and every landmark, each figure with its interval."""
    text = section(card(), "Performance")
    assert "0.797 (0.747 to 0.847)" in text
    assert [] == [hour for hour in EVALUATION["by_landmark_hour"] if f"| at {hour} h |" not in text]


def test_figures_that_a_newer_evaluation_holds_get_columns():
    """O:E and ICI are shown where they were measured, and have no empty column where not."""
    measured = EVALUATION["all_rows"] | {"ici": {"value": 0.0171, "low": 0.01, "high": 0.03}}
    assert "| ICI |" in card(all_rows=measured, by_landmark_hour={})
    assert "0.017 (0.010 to 0.030)" in card(all_rows=measured, by_landmark_hour={})
    assert "ICI" not in card()


def test_a_figure_that_was_refused_says_why():
    """The reason stands in the figure's place."""
    refused = {"value": None, "refused": "only 3 admissions with END: fewer than 10", "n": 9, "events": 3}
    assert "only 3 admissions with END" in card(all_rows=EVALUATION["all_rows"] | {"auc": refused})


def test_the_goals_are_those_of_the_evaluation():
    """The table repeats evaluation.json, missed ones too; without goals the card says that there are none."""
    missed = Goal(
        "AUC lost", 0.031, 0.02, 0.04, "point <= 0.02", Limit("point", at_most=0.02), 100, 30, "0" * 64, "1" * 64
    )
    told = section(card(goals=[missed.as_json()]), "Goals")
    assert re.search(r"\| AUC lost +\| 0\.031 \(0\.020 to 0\.040\) +\| point <= 0\.02 +\| no +\|", told)
    assert "No goal was measured." in section(card(), "Goals")


def test_the_thresholds_come_with_their_figures_or_say_that_there_are_none():
    """By hour, with what flagging did where calibration.json holds it, and "not computed" where not."""
    told = section(card(), "Calibration and threshold")
    assert "| 24 | 0.291 |" in told
    assert "25 of 100 calls" in told
    assert "25.4 were" in told
    assert "| positive predictive value | 0.610 (0.560 to 0.660) |" in told
    assert "| sensitivity | not computed |" in told
    assert 5 == section(card(replace(CALIBRATION, figures={})), "Calibration and threshold").count("not computed")


def test_each_recalibration_is_told_with_what_it_was_fitted_on():
    """That of training, then a site's own; or that there is none."""
    told = section(card(), "Calibration and threshold")
    assert "Fitted on held-out folds (4000 rows, 900 with END):" in told
    assert "| 1 | -0.130 | 0.989 |" in told
    own = replace(CALIBRATION.stages[0], on="calls of 2026")
    both = section(card(replace(CALIBRATION, stages=(*CALIBRATION.stages, own))), "Calibration and threshold")
    assert both.index("held-out folds") < both.index("calls of 2026")
    assert "not recalibrated" in card(replace(CALIBRATION, stages=()))


def test_what_folds_chose_is_told_where_it_is_known():
    """Choice and effective parameters from net.json."""
    chosen = {"choice": {"ridge": 30.0, "epochs": 0}, "effective_parameters": 17.24}
    assert "ridge 30, epochs 0. Effective parameters: 17.2." in card(manifest=MANIFEST | chosen)
    assert "is not in net.json" in card()


def test_what_each_modality_brings_is_told_where_it_was_measured():
    """A row a network, a column a set of rows; or that it was not measured."""
    networks = {"numbers": {"all_rows": figures(0.7), "at_6_h": figures(0.6), "auc_gain_over_structured": figure(0.0)}}
    told = section(card(ablation=networks), "Performance")
    assert "| numbers | 0.700 (0.650 to 0.750) | 0.600 (0.550 to 0.650) | 0.000 (-0.050 to 0.050) |" in told
    assert "was not measured" in section(card(), "Performance")


def test_the_share_without_a_number_is_told():
    """From the evaluation, with its reasons; or that nobody counted."""
    counted = {"share": {"value": 0.0125, "low": 0.01, "high": 0.02}, "reasons": {"age unknown": 7}}
    assert "0.013 (0.010 to 0.020) (age unknown 7)" in section(card(abstention=counted), "When there is no number")
    assert "not counted" in section(card(), "When there is no number")


def test_no_figure_is_in_the_template():
    """Take the measured figures away and no number with a decimal point is left on the card."""
    every = {key: value for key, value in EVALUATION["all_rows"].items() if not isinstance(value, dict)}
    empty = replace(CALIBRATION, stages=(), thresholds=(), figures={})
    text = card(empty, MANIFEST | {"reach": {}}, all_rows=every, by_landmark_hour={})
    assert [] == re.findall(r"\d+\.\d+", text.split("## What it is for")[1])


def test_the_card_does_not_praise():
    """No word of marketing."""
    assert [] == [word for word in MARKETING if re.search(rf"\b{word}\b", card(reader=READER).lower())]


def test_a_cell_with_a_bar_does_not_break_its_table():
    """GFM ends a cell at a bar."""
    assert 3 == shown.table(["a", "b"], [["x | y", "z"]]).splitlines()[-1].count("|")


def test_the_documents_follow_the_folders_own_files(tmp_path: Path):
    """Figures in evaluation.json, and a reader beside it, reach both pages; no other file is touched."""
    folder = written(tmp_path / "artifact", EVALUATION | {"all_rows": figures(0.512)})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_documents(folder)
    card_text = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert "0.512 (0.462 to 0.562)" in card_text
    assert READER["weights_sha256"] in card_text
    assert "0.512" in read_source_attributes(folder / "source_attributes.toml").attributes[20].text
    changed = {path.name for path in folder.iterdir() if path.read_bytes() != before.get(path.name)}
    assert {"MODEL_CARD.md", "source_attributes.toml"} == changed


def test_the_same_files_give_the_same_pages(tmp_path: Path):
    """No clock and no chance: training anew gives the same bytes."""
    folder = written(tmp_path / "artifact", EVALUATION)
    write_documents(folder)
    first = (folder / "MODEL_CARD.md").read_bytes(), (folder / "source_attributes.toml").read_bytes()
    write_documents(folder)
    assert first == ((folder / "MODEL_CARD.md").read_bytes(), (folder / "source_attributes.toml").read_bytes())


def test_the_page_on_the_model_types_no_figure_and_names_what_exists():
    """Figures stay in the artifact; every file and folder that the page names is there."""
    text = (ROOT / "docs" / "MODEL.md").read_text("utf-8")
    assert [] == re.findall(r"\b0\.\d+|\d %", text)
    named = re.findall(r"`((?:models|fhir_mappings)/[\w/.]+)`", text)
    assert 10 < len(named)
    assert [] == [name for name in named if not (ROOT / name).exists()]
