"""Notes as numbers: each sentence read once, means of what is legible, chances of what rules and reader find."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.design import Design, FindingTerm, numbers_of
from models.joining import term_probabilities
from models.notes import TOGETHER, Note, Readers, chances, joined_note, read_notes, rules_columns, spread, unread
from models.reader import ReaderSpec, Reading
from tests.models.inputs_builder import LetterEncoder, LetterReader, finding, inputs, sentence

DESIGN = Design(
    ("age",), ("Age",), frozenset(), frozenset(),
    (
        FindingTerm("occlusion", "", "occlusion", "present"), FindingTerm("no_occlusion", "", "occlusion", "absent"),
        FindingTerm("m1", "", "occlusion", "present", sites=("m1",)),
        FindingTerm("hemorrhage", "", "hemorrhage", "present"),
    ),
)  # fmt: skip
SPEC = ReaderSpec(("hemorrhage", "occlusion"), ())
DENSE, CLEAR, HOW = sentence("Dense M1."), sentence("No hemorrhage."), sentence("Axial slices.", "technique")
NOTES = [
    Note((DENSE, CLEAR), (finding("occlusion", site="m1"), finding("hemorrhage", "absent", 1))),
    Note((), ()),
    Note((CLEAR, HOW), (finding("hemorrhage", "absent"),)),
    Note((sentence("左侧大脑中动脉闭塞"),), ()),
]


def test_a_note_is_the_mean_of_its_legible_sentences():
    """Technique and other scripts do not count; a note without any legible sentence is zero and says so."""
    encoder = LetterEncoder()
    found = read_notes(NOTES, DESIGN, Readers(LetterReader(SPEC), encoder))
    one, two = encoder.encode([DENSE.text, CLEAR.text])
    assert torch.allclose(torch.stack([(one + two) / 2, torch.zeros(8), two, torch.zeros(8)]), found.note)
    assert torch.equal(found.note, found.pooled)
    assert [1.0, 0.0, 1.0, 0.0] == found.has_note.tolist()


def test_what_many_notes_share_is_read_once():
    """Three different sentences in four notes are three to read, none of them out of sight."""
    own = LetterReader(SPEC)
    read_notes(NOTES * 3, DESIGN, Readers(own))
    assert sorted([DENSE.text, CLEAR.text]) == own.asked


def test_many_sentences_are_read_in_parts_and_told():
    """Progress after each part; the answers stay in their places."""
    notes = [Note((sentence(f"Sentence {'a' * (number % 7)} {number}."),), ()) for number in range(TOGETHER + 5)]
    told: list[tuple[int, int]] = []
    found = read_notes(notes, DESIGN, Readers(LetterReader(SPEC)), lambda *at: told.append(at))
    assert [(TOGETHER, TOGETHER + 5), (TOGETHER + 5, TOGETHER + 5)] == told
    last = LetterEncoder().encode([notes[-1].sentences[0].text])[0]
    assert torch.allclose(last, found.note[-1])


def test_without_a_reader_the_columns_are_the_rules():
    """Hard 0 and 1, and the last column where there is no sentence."""
    found = read_notes(NOTES, DESIGN, Readers())
    assert [[1, 0, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]] == found.joined.tolist()
    assert found.joined.tolist() == [rules_columns(note, DESIGN).tolist() for note in NOTES]


def test_a_reader_moves_the_columns_of_what_it_reads():
    """What it finds where the rules found nothing becomes likely; a note that it does not know stays as it was."""
    found = read_notes(NOTES, DESIGN, Readers(LetterReader(SPEC, {CLEAR.text: {"occlusion": "present"}}))).joined
    rules = read_notes(NOTES, DESIGN, Readers()).joined
    assert 0 < float(found[2, 0]) < 1
    assert torch.equal(rules[[1, 3]], found[[1, 3]])
    assert found[0, 0] >= rules[0, 0]


def test_the_vectors_alone_need_no_reader():
    """Opponents embed whole notes with the plain encoder; the network's own vectors are then empty."""
    found = read_notes(NOTES, DESIGN, Readers(encoder=LetterEncoder()))
    assert ((4, 0), (4, 8)) == (tuple(found.note.shape), tuple(found.pooled.shape))
    assert [1.0, 0.0, 1.0, 0.0] == found.has_note.tolist()


def test_rows_take_their_notes_columns():
    """Two rows of one note have the same ones."""
    found = read_notes(NOTES, DESIGN, Readers(LetterReader(SPEC))).at(torch.tensor([2, 0, 2]))
    assert torch.equal(found.joined[0], found.joined[2])
    assert torch.equal(found.note[0], found.note[2])
    assert (3, 5) == tuple(found.joined.shape)


def test_known_findings_need_no_note():
    """Rows whose findings are stated have them as columns, and nothing was read."""
    known = torch.rand(3, 5)
    found = unread(known)
    assert torch.equal(known, found.joined)
    assert (0, [0.0, 0.0, 0.0]) == (found.note.shape[1], found.has_note.tolist())


def test_answers_stand_where_their_sentences_stand():
    """Sentences that were not read have zeros throughout."""
    reading = LetterReader(SPEC, {"b": {"hemorrhage": "absent"}}).read(["a", "b"])
    found = spread(reading, [3, 1], [1, 0], 4)
    assert torch.equal(reading.assertions[1], found.assertions[3])
    assert torch.equal(reading.vectors[0], found.vectors[1])
    for name in Reading.__annotations__:
        assert 0 == float(getattr(found, name)[[0, 2]].abs().sum()), name


findings = st.lists(
    st.builds(
        finding, st.sampled_from(SPEC.names), st.sampled_from(["present", "absent", "uncertain"]), st.integers(0, 2),
        site=st.sampled_from([None, "m1", "m2"]),
    ),
    max_size=5,
)  # fmt: skip


@given(findings)
def test_the_rules_alone_give_the_columns_of_a_call(found: list):
    """Joined without a reader, chances are exactly the numbers that the network always saw."""
    text = (sentence("A."), sentence("B."), sentence("C."))
    note = Note(text, tuple(found))
    joined = joined_note(note, None, SPEC)
    expected = numbers_of(inputs(sentences=text, findings=found), DESIGN).findings
    assert expected.tolist() == chances(joined, note, DESIGN).tolist() == rules_columns(note, DESIGN).tolist()
    assert np.array_equal(expected[:-1], term_probabilities(joined, DESIGN.terms))


@pytest.mark.parametrize("sure", [0.6, 0.98])
def test_chances_are_chances(sure: float):
    """Whatever the reader says, between 0 and 1; a narrowed term is never likelier than its plain one."""
    said = {DENSE.text: {"occlusion": "absent", "hemorrhage": "present"}, CLEAR.text: {"hemorrhage": "uncertain"}}
    found = read_notes(NOTES, DESIGN, Readers(LetterReader(SPEC, said, sure))).joined
    assert bool(((found >= 0) & (found <= 1)).all())
    assert bool((found[:, 2] <= found[:, 0] + 1e-6).all())
