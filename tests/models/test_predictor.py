"""The predictor: a number where it may, a reason where it may not, the same for the same row."""

import dataclasses
import json
import math
import statistics
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from fhir_mappings.inputs import Finding, Sentence
from models.artifact import DEFAULT_ARTIFACT, FILES, Artifact
from models.design import numbers_of
from models.errors import ArtifactError
from models.prediction import NotComputed, Prediction
from models.predictor import Predictor, ReadNote, _warnings, golden_risks, load_predictor
from models.reach import Reach
from models.seal import seal
from tests.models.inputs_builder import T0, finding, inputs, sentence
from tests.models.trained import artifact, config, reader

TEXT = [sentence("Left arm weakness.", "history"), sentence("Hyperdense left MCA sign.")]
ELSEWHERE = sentence("No consolidation.", report="DiagnosticReport/chest")
DENSE = [finding("hyperdense_artery", place=1)]
NEAR = dict.fromkeys(("age", "nihss_baseline", "nihss_latest", "glucose"), 10.0) | {"female": 1.0}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A small model trained on rows with values around 10."""
    return artifact(tmp_path_factory.mktemp("artifact"))


@pytest.fixture(scope="module")
def small(held: Artifact) -> Predictor:
    """The small model with a reader that leaves everything to the rules."""
    return Predictor(held, reader())


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    """The package's own model with its real encoder."""
    return load_predictor()


def answer(model: Predictor, **row: object) -> Prediction:
    """The prediction of a row near the training rows."""
    values = NEAR | dict(row.pop("values", {}))  # type: ignore[call-overload]
    found = model.predict(inputs(values=values, **row))  # type: ignore[arg-type]
    assert isinstance(found, Prediction), found
    return found


def test_a_row_gets_a_whole_prediction(small: Predictor):
    """Risk, spread, horizons, comparator and identity fit each other."""
    found = answer(small, sentences=TEXT, findings=DENSE)
    assert 0 < found.interval[0] <= found.risk <= found.interval[1] < 1
    assert T0 + timedelta(hours=168) == found.until
    assert [24, 48, 72, 120, 168] == [hour for hour, _ in found.by_horizon]
    assert sorted(risk for _, risk in found.by_horizon) == [risk for _, risk in found.by_horizon]
    assert found.by_horizon[-1][1] == found.risk
    assert (found.risk >= found.threshold) == found.flagged
    assert tuple(DENSE) == found.findings
    assert small.identity == found.model


def test_contributions_add_up_to_risk_less_reference(small: Predictor):
    """Every input has its reason, and the reasons sum up exactly."""
    found = answer(small, sentences=TEXT, findings=DENSE)
    design = config().design
    names = {term.name for term in design.terms}
    count = len(design.features) + len(names) + len(("no report", "text")) + len(design.modalities)
    assert count == len(found.contributions) == len({one.feature for one in found.contributions})
    assert found.risk - found.reference == pytest.approx(sum(c.risk_points for c in found.contributions), abs=1e-6)


def test_no_report_still_gives_a_number(small: Predictor):
    """Without any text the answer is finite and says so among the reasons."""
    assert "no report" in {c.label for c in answer(small).contributions}


def test_a_finding_moves_the_risk_and_points_to_its_sentence(small: Predictor):
    """The hyperdense artery, a true effect of the small cohort, raises the risk."""
    plain, dense = answer(small, sentences=TEXT), answer(small, sentences=TEXT, findings=DENSE)
    assert plain.risk < dense.risk
    assert [1] == [c.sentence for c in dense.contributions if c.feature == "hyperdense_artery"]


def test_sentences_beyond_the_time_are_left_to_the_rules_and_said(held: Artifact):
    """Two of four are read: those of the head first, in their order; the card is told of the others."""
    row = inputs(values=NEAR, sentences=[dataclasses.replace(ELSEWHERE, elsewhere=True), *TEXT, TEXT[0]], findings=[])
    letters = reader()
    found = Predictor(held, letters).predict(row, until=2)
    assert isinstance(found, Prediction)
    assert [TEXT[0].text, TEXT[1].text] == letters.asked
    assert ["2 of 4 report sentences not read by the text model in time"] == [one.text for one in found.issues]


def test_with_time_enough_nothing_is_said_and_the_number_is_the_same(small: Predictor):
    """A deadline that is not reached changes nothing."""
    row = inputs(values=NEAR, sentences=TEXT, findings=DENSE)
    assert small.predict(row) == small.predict(row, until=1e9)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"values": NEAR | {"nihss_baseline": None}}, "no baseline NIHSS"),
        ({"values": NEAR | {"age": None}}, "age unknown"),
        ({"values": NEAR, "hours": 120.1}, "more than 120 h after arrival"),
        ({"values": NEAR, "hours": -0.5}, "as_of is before arrival"),
        ({"values": NEAR | {"platelets": 2000.0}}, "Platelets is more than 6 SD"),
    ],
)
def test_a_row_without_its_number_says_why(small: Predictor, row: dict[str, object], reason: str):
    """The contract's reasons, each in words for the card."""
    found = small.predict(inputs(**row))  # type: ignore[arg-type]
    assert isinstance(found, NotComputed)
    assert reason in found.reason


def test_a_row_about_which_the_heads_differ_too_much_says_so(held: Artifact):
    """Beyond the limit there is no number, and the oddest measurement is named; within it there is one."""
    odd = NEAR | {"platelets": 30.0}
    tight = Predictor(dataclasses.replace(held, reach=Reach(held.reach.sd, 0.0)), reader())
    found = tight.predict(inputs(values=odd))
    assert isinstance(found, NotComputed)
    assert "differ too much" in found.reason
    assert "Platelets" in found.reason
    assert isinstance(Predictor(held, reader()).predict(inputs(values=odd)), Prediction)


def test_a_row_with_hardly_any_value_is_not_too_far(small: Predictor):
    """What is missing never counts as distance: age and NIHSS alone are enough, at any hour."""
    bare = dict.fromkeys(config().design.features) | {"age": 10.0, "nihss_baseline": 10.0}
    for hours in (0.5, 24, 119):
        assert isinstance(small.predict(inputs(values=bare, hours=hours)), Prediction)


def test_a_rare_history_is_not_too_far(small: Predictor):
    """Flags never count as distance."""
    flags = dict.fromkeys(config().design.flags, 1.0)
    assert 0 < answer(small, values=flags).risk < 1


def test_hour_120_still_has_a_number_and_less_risk_left(small: Predictor):
    """The last hour with a number; only one horizon is left, and less risk than at hour 6."""
    late = answer(small, hours=120)
    assert [168] == [hour for hour, _ in late.by_horizon]
    assert late.risk < answer(small, hours=6).risk


def test_each_sentence_is_read_once(held: Artifact):
    """A prediction asks the reader about every legible sentence one time, in reading order."""
    asked = reader()
    answer(Predictor(held, asked), sentences=[*TEXT, sentence("左侧大脑中动脉闭塞"), sentence("CT.", "technique")])
    assert [one.text for one in TEXT] == asked.asked


def test_the_note_is_read_once_for_many_what_ifs(held: Artifact):
    """`combine` with the read note gives the prediction's risk within the heads' spread, reading nothing."""
    asked = reader()
    model, row = Predictor(held, asked), inputs(values=NEAR, sentences=TEXT, findings=DENSE)
    note = model.read(row.sentences, row.findings)
    before = len(asked.asked)
    risks = model.combine(numbers_of(row, config().design), note, 6, [24.0, 168.0])
    assert before == len(asked.asked)
    assert (held.net.shape.heads, 2) == tuple(risks.shape)
    assert bool((risks[:, 0] <= risks[:, 1]).all())
    found = answer(model, sentences=TEXT, findings=DENSE)
    low, high = float(risks[:, 1].min()), float(risks[:, 1].max())
    assert found.interval == pytest.approx((min(low, found.risk), max(high, found.risk)), abs=1e-6)


def test_many_what_ifs_are_cheap(small: Predictor):
    """Twenty-five changed rows on one read note take less than 20 ms of one processor."""
    row = inputs(values=NEAR, sentences=TEXT, findings=DENSE)
    note = small.read(row.sentences, row.findings)
    rows = [numbers_of(inputs(values=NEAR | {"glucose": 8 + step / 10}), config().design) for step in range(25)]
    took = []
    for _ in range(9):
        begin = time.process_time()
        with torch.inference_mode():
            answers = [small.combine(numbers, note, 6, [168.0]).mean().item() for numbers in rows]
        took.append(time.process_time() - begin)
    assert len(set(answers)) > 1
    assert statistics.median(took) < 0.020


def test_more_threads_give_the_same_risk(small: Predictor):
    """One and two threads differ by less than a ten-thousandth."""
    risks = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            risks.append(answer(small, sentences=TEXT, findings=DENSE).risk)
    finally:
        torch.set_num_threads(1)
    assert risks[0] == pytest.approx(risks[1], abs=1e-4)


def test_a_finding_that_only_the_reader_reads_counts(held: Artifact):
    """Rules find nothing in the words: the reader's finding raises the risk, is shown, and is said to be disputed."""
    text = [sentence("The M1 stands out brightly before contrast.")]
    sure = Predictor(held, reader({text[0].text: {"hyperdense_artery": "present"}}))
    alone, read = answer(Predictor(held, reader()), sentences=text), answer(sure, sentences=text)
    assert alone.risk < read.risk
    assert ("hyperdense_artery", 0) in {(one.name, one.sentence) for one in read.findings}
    (issue,) = read.issues
    assert ("contradictory", "DiagnosticReport/r1") == (issue.code, issue.source)
    assert () == alone.issues


def test_a_reader_that_agrees_is_no_issue(held: Artifact):
    """Both read the artery as dense: nothing to say."""
    agrees = Predictor(held, reader({TEXT[1].text: {"hyperdense_artery": "present"}}))
    assert () == answer(agrees, sentences=TEXT, findings=DENSE).issues


class Disputes(Predictor):
    """A model whose reader denies with certainty what the rules read."""

    def read(self, sentences: Sequence[Sentence], findings: Sequence[Finding], until: float = math.inf) -> ReadNote:
        """The note with the first term turned around."""
        note = super().read(sentences, findings, until)
        columns = note.columns.clone()
        columns[0, 0] = 1 - note.rules[0, 0]
        return dataclasses.replace(note, columns=columns)


def test_a_disputed_note_widens_the_interval(held: Artifact, small: Predictor):
    """It reaches from the answers to what the reader reads to those to what the rules read."""
    agreed, disputed = (answer(one, sentences=TEXT, findings=DENSE) for one in (small, Disputes(held, reader())))
    denied = answer(small, sentences=TEXT)
    assert denied.risk == pytest.approx(disputed.risk, abs=1e-6)
    assert disputed.interval == pytest.approx(
        (min(denied.interval[0], agreed.interval[0]), max(denied.interval[1], agreed.interval[1])), abs=1e-6
    )
    assert disputed.interval[1] - disputed.interval[0] > agreed.interval[1] - agreed.interval[0]


def test_a_small_difference_is_no_dispute(small: Predictor):
    """Half of the weight of one finding is needed, in any of the columns."""
    note = small.read(TEXT, DENSE)
    assert not note.disputed
    for place in (0, 3):
        moved = note.columns.clone()
        moved[0, place] += 0.49 if note.rules[0, place] == 0 else -0.49
        assert not dataclasses.replace(note, columns=moved).disputed
        moved[0, place] += 0.02 if note.rules[0, place] == 0 else -0.02
        assert dataclasses.replace(note, columns=moved).disputed


def test_text_in_another_script_is_said(small: Predictor):
    """The prediction is made without it and carries the issue."""
    found = answer(small, sentences=[sentence("左侧大脑中动脉闭塞")])
    assert [("unread", "DiagnosticReport/r1")] == [(issue.code, issue.source) for issue in found.issues]


def test_the_shipped_model_answers_and_reproduces_its_goldens(shipped: Predictor):
    """Loading checked the goldens; a usual patient with a report gets a number, the same twice."""
    row = inputs(sentences=TEXT, findings=DENSE)
    first, second = shipped.predict(row), shipped.predict(row)
    assert isinstance(first, Prediction)
    assert first == second
    assert 0.02 < first.risk < 0.98


def test_the_shipped_model_ranks_a_sicker_patient_higher(shipped: Predictor):
    """More severe, older, diabetic, with an early sign: more risk than a mild young patient."""
    mild_values = {"nihss_baseline": 3.0, "nihss_latest": 3.0, "age": 50.0, "diabetes": 0.0}
    severe_values = {"nihss_baseline": 18.0, "nihss_latest": 18.0, "age": 80.0, "diabetes": 1.0}
    mild = shipped.predict(inputs(values=mild_values))
    severe = shipped.predict(inputs(values=severe_values, sentences=TEXT, findings=DENSE))
    assert isinstance(mild, Prediction)
    assert isinstance(severe, Prediction)
    assert mild.risk < mild.comparator < severe.risk


def test_text_alone_moves_the_shipped_model_little(shipped: Predictor):
    """Wildly different sentences without findings change the log-odds by at most twice the bound."""
    risks = [
        torch.tensor(found.risk).logit()
        for text in ("Completely normal study.", "Massive catastrophic swelling and death.")
        if isinstance(found := shipped.predict(inputs(sentences=[sentence(text)])), Prediction)
    ]
    assert 2 == len(risks)
    assert abs(float(risks[0] - risks[1])) < 1.3


def test_a_golden_that_is_not_reproduced_stops_the_start(tmp_path: Path):
    """A stored golden prediction that differs is named."""
    for path in DEFAULT_ARTIFACT.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    golden = json.loads((tmp_path / "golden.json").read_text("utf-8"))
    (tmp_path / "golden.json").write_text(json.dumps(golden | {"average, no report": 0.99}), "utf-8")
    seal(tmp_path, FILES)
    with pytest.raises(ArtifactError, match="'average, no report'"):
        load_predictor(tmp_path)


def test_goldens_cover_rows_with_and_without_report(small: Predictor, held: Artifact):
    """Each golden row gets a number; they are made up, so no patient is in the artifact."""
    assert held.golden == pytest.approx(golden_risks(small, held), abs=1e-5)
    assert {"average, no report", "half missing", "above average, report", "late, below average"} == set(held.golden)


def test_other_lexicons_are_a_warning(held: Artifact):
    """Different rule files do not stop the start; `/ready` can say it."""
    odd = dataclasses.replace(held, manifest=dict(held.manifest) | {"mappings_sha256": "0" * 64})
    assert () == _warnings(held)
    assert "differ" in _warnings(odd)[0]
