"""The evaluation of a reader: perfect, guessing and contrary readers get the figures that they deserve."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
import torch

from benchmarks.sentences import load, pairs
from fhir_mappings.inputs import Sentence
from fhir_mappings.text.findings import read_findings
from models.reader import ASSERTIONS, ReaderSpec, Reading
from models.simulation.reports import Stated
from models.studies.reading import HandWritten, Reads, beside_rules, by_finding, reading, reading_table
from models.studies.report_sentences import StatedSentence, Written, reports_of, sentences_in

SPEC = ReaderSpec(("hemorrhage", "occlusion", "limb_weakness", "collaterals"), ())
DRAWS = 40
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Said = Mapping[str, Mapping[str, str]]
"""By text and finding, how it is asserted."""


@cache
def written() -> Written:
    """The sentences of a few reports in the training half's words."""
    return sentences_in(reports_of(("a", "b"), 60, 3, "training"))


def as_stated(sentences: Sequence[StatedSentence]) -> Said:
    """What each sentence states."""
    return {one.text: {said.finding: said.assertion for said in one.stated} for one in sentences}


def reader_of(said: Said, sure: float = 0.9) -> Reads:
    """A reader that gives each assertion of ``said`` the probability ``sure``; other findings are not mentioned."""

    def reads(texts: Sequence[str]) -> Reading:
        rows = torch.full((len(texts), len(SPEC.names), len(ASSERTIONS)), (1 - sure) / (len(ASSERTIONS) - 1))
        for place, text in enumerate(texts):
            for column, name in enumerate(SPEC.names):
                rows[place, column, ASSERTIONS.index(said.get(text, {}).get(name, "none"))] = sure
        return Reading(torch.zeros(len(texts), 3), rows, torch.zeros(len(texts), 0), torch.zeros(len(texts), 4))

    return reads


def sentence(text: str, *stated: tuple[str, str]) -> StatedSentence:
    """A sentence with what it states."""
    return StatedSentence(text, "findings", tuple(Stated(text, name, said) for name, said in stated))


MADE = (
    *(sentence(f"Occlusion {number}.", ("occlusion", "present")) for number in ("one", "two", "three", "four")),
    *(sentence(f"No occlusion {number}.", ("occlusion", "absent")) for number in ("one", "two", "three", "four")),
    *(sentence(f"Bones {number}.") for number in ("one", "two")),
)


def test_sentences_are_cut_as_in_serving_and_keep_what_they_state() -> None:
    """Every statement of a report is found again in a sentence; sentences are different, some state nothing."""
    assert 0 == written().lost
    texts = [one.text for one in written().sentences]
    assert len(texts) == len(set(texts))
    assert 2 <= len(Counter(bool(one.stated) for one in written().sentences))
    several = [one for one in written().sentences if len({said.finding for said in one.stated}) > 1]
    assert several
    for one in written().sentences:
        assert all(said.text.rstrip(".").casefold() in one.text.casefold() for said in one.stated)


def test_a_statement_that_stands_nowhere_is_counted() -> None:
    """Where a report claims what its text does not say, the loss is told and no sentence gets it."""
    report = next(one for one in reports_of(("a",), 20, 3, "training") if one.stated)
    claimed = (*report.stated, Stated("The dog barks.", "hemorrhage", "present"))
    found = sentences_in(iter([type(report)(**{**vars(report), "stated": claimed})]))
    assert 1 == found.lost
    assert all(said.text != "The dog barks." for one in found.sentences for said in one.stated)


def test_sentences_of_one_shape_differ_in_side_number_and_case_only() -> None:
    """They are drawn together in the bootstrap."""
    one, other = sentence("The LEFT M1 is occluded."), sentence("the right M1 is occluded.")
    assert one.shape == other.shape
    assert one.shape == sentence("The left M2 is occluded.").shape or "m1" in one.shape
    assert one.shape != sentence("The left M1 is patent.").shape


def test_a_perfect_reader_ranks_and_finds_everything() -> None:
    """AUC and recall 1, nothing read elsewhere; the counts are those of the sentences."""
    sentences = written().sentences
    found = by_finding(reader_of(as_stated(sentences)), SPEC, sentences, draws=DRAWS)
    assert set(SPEC.names) == set(found)
    for name in ("hemorrhage", "occlusion", "limb_weakness"):
        mentions = [{said.assertion for said in one.stated if said.finding == name} for one in sentences]
        area = found[name]["auc"]
        assert (1.0, sum(map(bool, mentions))) == (area["value"], area["n"])
        assert sum("present" in one for one in mentions) == area["events"]
        assert (1.0, 0.0) == (found[name]["recall"]["value"], found[name]["elsewhere"]["value"])


def test_a_contrary_reader_ranks_everything_wrongly() -> None:
    """Present read as absent and absent as present gives an AUC of 0, though each mention is found."""
    turned = {"present": "absent", "absent": "present"}
    said = {text: {name: turned.get(how, how) for name, how in one.items()} for text, one in as_stated(MADE).items()}
    found = by_finding(reader_of(said), SPEC, MADE, draws=DRAWS)["occlusion"]
    assert (0.0, 1.0) == (found["auc"]["value"], found["recall"]["value"])


def test_a_reader_that_says_nothing_recalls_nothing() -> None:
    """All ties: AUC one half; no mention found, none invented."""
    found = by_finding(reader_of({}), SPEC, MADE, draws=DRAWS)
    assert {"occlusion"} == set(found)
    assert [0.5, 0.0, 0.0] == [found["occlusion"][key]["value"] for key in ("auc", "recall", "elsewhere")]
    assert [8, 8, 2] == [found["occlusion"][key]["n"] for key in ("auc", "recall", "elsewhere")]


def test_what_is_read_elsewhere_is_counted() -> None:
    """A mention read in a sentence that does not state it counts against the reader."""
    said = {**as_stated(MADE), "Bones one.": {"occlusion": "absent"}}
    found = by_finding(reader_of(said), SPEC, MADE, draws=DRAWS)["occlusion"]["elsewhere"]
    assert (0.5, 2, 1) == (found["value"], found["n"], found["events"])


def test_an_auc_needs_both_kinds() -> None:
    """Collaterals are always stated present: the figure is refused, with its reason."""
    found = by_finding(reader_of({}), SPEC, written().sentences, draws=DRAWS)["collaterals"]["auc"]
    assert found["value"] is None
    assert found["n"] == found["events"] > 0
    assert "not both stated" in found["refused"]


def test_an_interval_holds_its_value_and_shapes_widen_it() -> None:
    """Copies that differ in side only are drawn together: ten of each add nothing to what the shapes know."""
    said = {**as_stated(MADE), "Occlusion one.": {"occlusion": "absent"}, "No occlusion two.": {"occlusion": "present"}}
    area = by_finding(reader_of(said), SPEC, MADE, draws=400)["occlusion"]["auc"]
    assert area["low"] <= area["value"] <= area["high"]
    many = [
        StatedSentence(f"{one.text} {('left', 'right')[number % 2]} {number}", one.section, one.stated)
        for one in MADE
        for number in range(10)
    ]
    copied = {one.text: said.get(one.text.rpartition(".")[0] + ".", {}) for one in many}
    wide = by_finding(reader_of(copied), SPEC, many, draws=400)["occlusion"]["auc"]
    assert area["value"] == pytest.approx(wide["value"])
    assert area["high"] - area["low"] == pytest.approx(wide["high"] - wide["low"], abs=0.05)


# ---- hand-written ------------------------------------------------------------------------------------


def cases() -> list[HandWritten]:
    """The hand-written sentences that the lexicon may be tuned on."""
    return [
        HandWritten(one["text"], one["section"] or "other", tuple((name, present) for name, present, _ in pairs(one)))
        for one in load("development")
    ]


def by_rules(written: Sequence[HandWritten]) -> Said:
    """What the rules read in each of them."""
    found: dict[str, dict[str, str]] = {}
    for one in written:
        held = found.setdefault(one.text, {})
        for finding in read_findings([Sentence(one.text, one.section, "DiagnosticReport/1", NOW)]):
            place = min(ASSERTIONS.index(finding.assertion), ASSERTIONS.index(held.get(finding.name, "asked")))
            held[finding.name] = ASSERTIONS[place]
    return found


def test_a_reader_that_agrees_with_the_rules_changes_nothing() -> None:
    """The paired difference is 0 with an interval of no width, on every label of the findings that it knows."""
    held = cases()
    found = beside_rules(reader_of(by_rules(held)), SPEC, held, draws=DRAWS)
    gain = found["gain"]
    assert [0.0, 0.0, 0.0, 0] == [gain[key] for key in ("value", "low", "high", "events")]
    known = [present for one in held for name, present in one.present if name in SPEC.names]
    assert len(known) == gain["n"] == found["rules"]["n"]
    assert found["rules"] == found["joined"]


def test_the_difference_is_that_of_the_two_accuracies() -> None:
    """A sure reader that denies everything loses what the rules had right, and is seen to."""
    held = cases()
    denied = {text: dict.fromkeys(said, "absent") for text, said in by_rules(held).items()}
    found = beside_rules(reader_of(denied, sure=0.999), SPEC, held, draws=DRAWS)
    assert found["joined"]["value"] - found["rules"]["value"] == pytest.approx(found["gain"]["value"], abs=2e-6)
    assert found["gain"]["value"] <= 0.0
    assert found["gain"]["low"] <= found["gain"]["value"] <= found["gain"]["high"]


def test_a_reader_can_mend_what_the_rules_miss() -> None:
    """Where the rules read nothing and the reader is sure, the two together are right."""
    text = "The big neck pipe on that side lets no dye through."
    held = [HandWritten(text, "findings", (("occlusion", True),))] * 3
    found = beside_rules(reader_of({text: {"occlusion": "present"}}, sure=0.999), SPEC, held, draws=DRAWS)
    assert [0.0, 1.0, 1.0] == [found[key]["value"] for key in ("rules", "joined", "gain")]


# ---- table -------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_each_finding_and_half() -> None:
    """All figures of the plain document stand in it, with the reason where there is none."""
    sentences, held = written().sentences, cases()
    found = reading(
        reader_of(as_stated(sentences)), SPEC, {"training": sentences}, {"tuning half": held}, draws=DRAWS
    )  # fmt: skip
    table = reading_table(found)
    assert "none is of a real patient" in table
    for name in SPEC.names:
        assert 1 == table.count(f"| {name} |")
    assert f"{len(sentences)} different sentences, training phrases" in table
    assert f"Hand-written sentences, tuning half: {found['hand_written']['tuning half']['gain']['n']} labels" in table
    assert "not both stated" in table
    assert f"{found['reports']['training']['hemorrhage']['auc']['value']:.3f}" in table
    assert np.isfinite(found["hand_written"]["tuning half"]["gain"]["value"])
