"""Rules and reader joined: certain readings give today's numbers, soft ones stay between, disagreement is said."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.inputs import Finding
from models.design import STRENGTH, Design, FindingTerm, join_findings, numbers_of
from models.joining import Joined, join, term_probabilities
from models.reader import ASSERTIONS, SIDES, Detail, ReaderSpec, Reading
from models.trust import trust
from tests.models.inputs_builder import finding, inputs, sentence

SITES, GRADES, BOUNDS = ("m1", "m2"), ("poor", "good"), (7.0, 7.5, 70.0)
NAMES = ("occlusion", "collaterals", "aspects")
SPEC = ReaderSpec(
    NAMES,
    (
        *(Detail("occlusion", "site", site) for site in SITES),
        *(Detail("collaterals", "grade", grade) for grade in GRADES),
        Detail("aspects", "at_most", 7.0), Detail("aspects", "at_least", 7.5),
    ),
)  # fmt: skip
TEXTS = [sentence(f"Sentence {number}.", report=f"DiagnosticReport/{number}") for number in range(3)]


def findings_of(places: int = len(TEXTS)) -> st.SearchStrategy[Finding]:
    """Any finding of the specification in one of the sentences, with or without each member."""
    return st.builds(
        Finding, st.sampled_from(NAMES), st.sampled_from(STRENGTH), st.integers(0, places - 1),
        side=st.sampled_from([None, "left", "right"]), site=st.sampled_from([None, *SITES, "ica"]),
        grade=st.sampled_from([None, *GRADES]), value=st.sampled_from([None, 5.0, 7.0, 9.0, 80.0]),
    )  # fmt: skip


TERMS = st.builds(
    FindingTerm, st.just("t"), st.just("t"), st.sampled_from(NAMES), st.sampled_from(STRENGTH),
    sites=st.sampled_from([(), ("m1",), ("m1", "ica")]), grades=st.sampled_from([(), ("poor",), GRADES]),
    at_most=st.sampled_from([None, 7.0, 75.0]), at_least=st.sampled_from([None, 7.5, 6.0]),
)  # fmt: skip


@st.composite
def readings(draw: st.DrawFn, places: int = len(TEXTS)) -> Reading:
    """What any reader might answer."""
    torch.manual_seed(draw(st.integers(0, 10**6)))
    sharp = draw(st.sampled_from([1.0, 5.0, 50.0]))
    assertions = torch.softmax(sharp * torch.randn(places, len(NAMES), len(ASSERTIONS)), dim=2)
    sides = torch.softmax(sharp * torch.randn(places, len(SIDES)), dim=1)
    return Reading(torch.zeros(places, 4), assertions, torch.rand(places, len(SPEC.details)), sides)


def reading_of(assertion: str, chance: float = 0.9, name: str = "occlusion") -> Reading:
    """A reader that gives one finding of the first sentence one assertion, and mentions nothing else."""
    assertions = torch.zeros(len(TEXTS), len(NAMES), len(ASSERTIONS))
    assertions[:, :, 0] = 1.0
    assertions[0, NAMES.index(name)] = (1 - chance) / (len(ASSERTIONS) - 1)
    assertions[0, NAMES.index(name), ASSERTIONS.index(assertion)] = chance
    sides = torch.tensor([[0.1, 0.9, 0.0, 0.0]]).repeat(len(TEXTS), 1)
    return Reading(torch.zeros(len(TEXTS), 4), assertions, torch.full((len(TEXTS), len(SPEC.details)), 0.6), sides)


def chance(joined: Joined, assertion: str = "present", **more: object) -> float:
    """The probability of a term on occlusion."""
    return float(term_probabilities(joined, [FindingTerm("t", "t", "occlusion", assertion, **more)])[0])  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.lists(findings_of(), max_size=6), st.lists(TERMS, min_size=1, max_size=4))
def test_the_rules_alone_give_the_numbers_of_today(findings: list[Finding], terms: list[FindingTerm]):
    """Without a reader each term is exactly 0 or 1, as `FindingTerm.matches` and `join_findings` have it."""
    design = Design((), (), frozenset(), frozenset(), tuple(terms))
    expected = numbers_of(inputs(sentences=TEXTS, findings=findings), design).findings[:-1]
    assert expected.tolist() == term_probabilities(join(TEXTS, findings, None, SPEC), terms).tolist()


@settings(deadline=None)
@given(st.lists(findings_of(), max_size=6))
def test_sentences_that_were_not_read_stand_as_the_rules_read_them(findings: list[Finding]):
    """A row of zeros is no opinion: findings and probabilities are those of the rules alone."""
    silent = Reading(torch.zeros(3, 4), torch.zeros(3, 3, 6), torch.zeros(3, len(SPEC.details)), torch.zeros(3, 4))
    alone, joined = join(TEXTS, findings, None, SPEC), join(TEXTS, findings, silent, SPEC)
    assert alone.assertions.tolist() == joined.assertions.tolist()
    assert sorted(alone.findings, key=lambda one: one.sentence) == list(joined.findings)
    assert joined.issues == ()


@settings(deadline=None)
@given(st.lists(findings_of(), max_size=6), readings(), st.lists(TERMS, min_size=1, max_size=4))
def test_whatever_is_read_the_chances_are_chances(findings: list[Finding], read: Reading, terms: list[FindingTerm]):
    """Posteriors add up to one; terms lie in [0, 1]; a narrowed term is at most its open one."""
    joined = join(TEXTS, findings, read, SPEC)
    assert joined.assertions.sum(axis=2) == pytest.approx(1.0)
    values = term_probabilities(joined, terms)
    assert ((values >= 0) & (values <= 1)).all()
    wide = [replace(term, sites=(), grades=(), at_most=None, at_least=None) for term in terms]
    assert (values <= term_probabilities(joined, wide) + 1e-6).all()


@settings(deadline=None)
@given(st.lists(findings_of(), max_size=6), readings())
def test_the_assertions_of_one_finding_exclude_each_other(findings: list[Finding], read: Reading):
    """A stay has one strongest assertion of a finding: the chances of the five add up to at most one."""
    terms = [FindingTerm("t", "t", "occlusion", one) for one in STRENGTH]
    assert term_probabilities(join(TEXTS, findings, read, SPEC), terms).sum() <= 1 + 1e-6


@settings(deadline=None)
@given(st.lists(findings_of(), max_size=6), readings())
def test_each_joined_finding_is_the_likeliest_reading_of_its_sentence(findings: list[Finding], read: Reading):
    """No sentence gives a finding whose likeliest assertion is another, or none at all."""
    joined = join(TEXTS, findings, read, SPEC)
    told = {(one.sentence, one.name): one for one in reversed(join_findings_by_sentence(joined.findings))}
    for place in range(len(TEXTS)):
        for column, name in enumerate(NAMES):
            likely = ASSERTIONS[int(joined.assertions[place, column].argmax())]
            assert likely == (told[place, name].assertion if (place, name) in told else "none")


def join_findings_by_sentence(findings: tuple[Finding, ...]) -> list[Finding]:
    """The strongest findings of each sentence."""
    places = {one.sentence for one in findings}
    return [one for place in places for one in join_findings(f for f in findings if f.sentence == place)]


def test_agreement_raises_and_disagreement_lowers_the_chance():
    """The reader's 0.9 becomes more where the rules say the same, less where they say something else."""
    present, absent = [finding("occlusion")], [finding("occlusion", "absent")]
    read = reading_of("present")
    assert chance(join(TEXTS, absent, read, SPEC)) < 0.9 < chance(join(TEXTS, present, read, SPEC))


def test_the_reader_counts_no_more_than_it_was_shown_to_be_right():
    """A reader that is certain moves a posterior no further than one at the floor."""
    floor, said = trust().floor, [finding("occlusion", "absent")]
    certain = join(TEXTS, said, reading_of("present", 1.0), SPEC).assertions[0, 0]
    at_floor = join(TEXTS, said, reading_of("present", 1 - 5 * floor / 2), SPEC).assertions[0, 0]
    assert certain[1] / certain[3] == pytest.approx(at_floor[1] / at_floor[3] / (1 - 5 * floor / 2))


@pytest.mark.parametrize(
    ("said", "read", "words"),
    [
        ("present", "absent", "arterial occlusion: present by the rules, absent by the text model"),
        ("present", "none", "arterial occlusion: present by the rules, not mentioned by the text model"),
        (None, "present", "arterial occlusion: not mentioned by the rules, present by the text model"),
        ("uncertain", "uncertain", None),
        ("uncertain", "absent", None),
        (None, "absent", None),
        ("absent", "none", None),
    ],
)
def test_a_difference_is_said_once_with_its_report(said: str | None, read: str, words: str | None):
    """One issue for each finding that only one of the two reads as present; none where neither or both do."""
    found = [finding("occlusion", said)] if said else []  # type: ignore[arg-type]
    issues = join(TEXTS, found, reading_of(read), SPEC).issues
    assert ([("contradictory", words, "DiagnosticReport/0")] if words else []) == [
        (one.code, one.text, one.source) for one in issues
    ]


def test_a_difference_that_changes_no_finding_of_the_row_is_not_said():
    """Both read an occlusion as present, if not in the same sentences: the row says the same."""
    joined = join(TEXTS, [finding("occlusion", place=0), finding("occlusion", place=1)], reading_of("present"), SPEC)
    assert joined.issues == ()


def test_a_finding_of_the_reader_alone_has_its_side_and_likely_site():
    """Where the rules read nothing at all, the reader's side and site are told, and no number."""
    certain = replace(reading_of("present", 1.0), details=torch.tensor([[0.2, 0.8, 0, 0, 0, 0]] * len(TEXTS)))
    joined = join(TEXTS, [], certain, SPEC)
    own = [one for one in joined.findings if one.name == "occlusion"]
    likely = ASSERTIONS[int(joined.assertions[0, 0].argmax())]
    assert ([Finding("occlusion", "present", 0, "left", "m2")] if likely == "present" else []) == own


def test_the_rules_own_site_and_number_outweigh_the_reader():
    """What a rule tells is certain; the reader only fills what it leaves open."""
    found = [finding("occlusion", site="m2"), finding("aspects", value=6.0)]
    joined = join(TEXTS, found, reading_of("present"), SPEC)
    assert [0.0, 1.0] == joined.details[0, :2].tolist()
    assert [1.0, 0.0] == joined.details[0, 4:].tolist()
    elsewhere = joined.assertions[1:, 0, 1].max()
    assert chance(joined, sites=("m1",)) <= elsewhere < 0.01
    assert chance(joined) == chance(joined, sites=("m2",))
    silent = join(TEXTS, [finding("occlusion")], reading_of("present"), SPEC)
    assert chance(silent) * 0.6 == pytest.approx(chance(silent, sites=("m1",)), abs=1e-6)


def test_findings_of_other_names_pass_through():
    """What the reader does not know stays as the rules read it."""
    other = finding("hemorrhage", place=1)
    assert other in join(TEXTS, [other], reading_of("present"), SPEC).findings


def test_the_rules_table_is_one_of_probabilities():
    """Each truth has a share for each reading, none of them zero, and the right reading is the likeliest."""
    table = trust().rules
    assert table.sum(axis=1) == pytest.approx(1.0)
    assert (table > 0).all()
    assert list(range(len(ASSERTIONS))) == table.argmax(axis=1).tolist()
