"""A cohort in memory: its counts, its parts, and what ends the work with one sentence."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.features import load_features
from models.notes import Readers
from models.training.cohort import CohortError, patient_of, stay_name
from models.training.dataset import build_cohort
from models.training.split import SHARES, check_split, part_of
from models.training.stays import Cohort
from models.training.table import Table
from tests import builders as fhir
from tests.models.inputs_builder import LetterEncoder
from tests.models.trained import config, reader

HOURS = (1.0, 24.0, 72.0)
Series = Sequence[tuple[float, int]]
CLEAR: Series = tuple((float(hour), 9) for hour in range(1, 170, 12))
RISEN: Series = ((1.0, 9), (13.0, 9), (25.0, 12))


def _write(folder: Path, **charted: Series) -> Path:
    """A cohort of stroke stays by patient; NIHSS totals are pairs of hour and points."""
    files: dict[str, list[Any]] = {
        "Patient": [fhir.patient(id_) for id_ in charted],
        "Encounter": [fhir.encounter(f"e-{id_}", end=200, status="finished", patient=id_) for id_ in charted],
        "Condition": [fhir.condition(id_=f"c-{id_}", patient=id_) for id_ in charted],
        "Observation": [
            fhir.nihss(points, hour, f"n{hour:g}-{id_}", patient=id_)
            for id_, series in charted.items()
            for hour, points in series
        ],
        "DiagnosticReport": [fhir.report("Hyperdense MCA.", 1, f"r-{id_}", patient=id_) for id_ in charted],
    }
    for kind, records in files.items():
        (folder / f"{kind}.ndjson").write_text("".join(json.dumps(one) + "\n" for one in records), "utf-8")
    return folder


def _cohort(folder: Path, **more: Any) -> Cohort:
    return build_cohort(folder, config().design, load_features(), Readers(), hours=HOURS, **more)


def test_a_cohort_holds_rows_stays_and_losses(tmp_path: Path) -> None:
    """Stays without rows are records all the same; those without a label are only counted."""
    cohort = _cohort(_write(tmp_path, p1=CLEAR, p2=RISEN, p3=((9.0, 9), (20.0, 9)), p4=CLEAR[:1]))
    assert ("p1", "p1", "p1", "p2", "p2") == cohort.table.stays
    assert [1.0, 24.0, 72.0, 1.0, 24.0] == pytest.approx(cohort.table.targets.start.tolist(), abs=1e-3)
    assert [("p1", "event_free"), ("p2", "end"), ("p4", "censored")] == [
        (record.stay, record.outcome.kind) for record in cohort.stays
    ]
    assert RISEN == cohort.stays[1].scores
    assert {
        "row refused: outcome precedes as_of": 1,
        "row refused: as_of beyond follow-up": 3,
        "stay censored: no NIHSS within 24 h of baseline": 1,
        "stay without label: no NIHSS total within 6 h of arrival": 1,
    } == cohort.lost


def test_without_reader_and_encoder_no_row_has_a_note(tmp_path: Path) -> None:
    """Neither has columns; with one of them, each row from the report's issue on has its note."""
    folder = _write(tmp_path, p1=CLEAR, p2=RISEN)
    bare = _cohort(folder).table
    assert ((5, 0), 0.0) == (tuple(bare.pooled.shape), bare.has_note.sum().item())
    read = build_cohort(folder, config().design, load_features(), Readers(encoder=LetterEncoder()), hours=HOURS).table
    assert [0.0, 1.0, 1.0, 0.0, 1.0] == read.has_note.tolist()
    assert ((5, 0), (5, 8)) == (tuple(read.note.shape), tuple(read.pooled.shape))
    own = build_cohort(folder, config().design, load_features(), Readers(reader()), hours=HOURS).table
    assert [0.0, 1.0, 1.0, 0.0, 1.0] == own.has_note.tolist()
    assert ((5, 8), (5, 0)) == (tuple(own.note.shape), tuple(own.pooled.shape))


def _moments(table: Table) -> list[tuple[str, float]]:
    return [(stay, round(hour, 3)) for stay, hour in zip(table.stays, table.targets.start.tolist(), strict=True)]


def test_landmark_rows_are_among_those_of_training(tmp_path: Path) -> None:
    """The same moment gives the same numbers, whichever way it was asked for."""
    folder = _write(tmp_path, p1=CLEAR, p2=RISEN)
    drawn = build_cohort(folder, config().design, load_features(), Readers()).table
    asked = _cohort(folder).table
    places = [_moments(drawn).index(moment) for moment in _moments(asked)]
    for name in ("values", "observed", "findings"):
        assert getattr(asked, name).tolist() == getattr(drawn, name)[places].tolist()


# ---- what is refused ----------------------------------------------------------------------------


def test_row_no_series(tmp_path: Path) -> None:
    """Single scores are no series: nothing can be labeled."""
    with pytest.raises(CohortError, match=r"^no NIHSS series: no stay holds two totals"):
        _cohort(_write(tmp_path, p1=CLEAR[:1], p2=()))


def test_row_no_row(tmp_path: Path) -> None:
    """The sentence says what became of the stays."""
    with pytest.raises(CohortError, match=r"^no row of data: stay without label: no NIHSS total .* \(2\)$"):
        _cohort(_write(tmp_path, p1=((9.0, 9), (20.0, 9)), p2=((9.0, 9), (20.0, 9))))


@pytest.mark.parametrize(("series", "said"), [(CLEAR, "END in no labeled stay"), (RISEN, "END in every labeled stay")])
def test_row_one_class(tmp_path: Path, series: Series, said: str) -> None:
    """Neither can be learned from nor evaluated on."""
    with pytest.raises(CohortError, match=rf"^one class only: {said} with rows \(2\)$"):
        _cohort(_write(tmp_path, p1=series, p2=series))


def test_row_two_patients_of_one_id(tmp_path: Path) -> None:
    """Which of two births and sexes is meant cannot be told; the line is named."""
    folder = _write(tmp_path, p1=CLEAR, p2=RISEN)
    with (folder / "Patient.ndjson").open("a") as file:
        file.write(json.dumps(fhir.patient("p1", "1990-01-01")) + "\n")
    with pytest.raises(CohortError, match=r"^Patient\.ndjson line 3: a second Patient of one id$"):
        _cohort(folder)


def test_row_patient_in_two_parts() -> None:
    """By one stay or by another of the same patient."""
    check_split({"train": ["p1", "p1", "p1/2"], "test": ["p2", "p11"]})
    for test in (["p2", "p1"], ["p1/3"]):
        with pytest.raises(CohortError, match=r"^patient p1 stands in two parts of the split: train and test$"):
            check_split({"train": ["p1", "p1/2"], "test": test})


def test_all_stays_of_a_patient_fall_into_one_part() -> None:
    """Hence no patient is in two parts, whatever the seed; every part gets some."""
    stays = [stay_name(f"p{patient}", number) for patient in range(200) for number in (1, 2, 3)]
    for seed in range(3):
        parts = {part: [stay for stay in stays if part_of(stay, seed) == part] for part, _ in SHARES}
        assert all(parts.values())
        check_split(parts)
    assert {"p7"} == {patient_of(stay_name("p7", number)) for number in (1, 2, 11)}
