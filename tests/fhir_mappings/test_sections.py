"""Reports cut into sentences under their headings, and bytes decoded to text."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.snapshot import Report
from fhir_mappings.text.decode import UnreadableText, text_of
from fhir_mappings.text.sections import sentences_of, unreadable_language
from tests.builders import T0


def report(text: str) -> Report:
    """A report with this text."""
    return Report("CT head", text, T0, T0, "DiagnosticReport/r1")


def cut(text: str) -> list[tuple[str, str]]:
    """(section, sentence) pairs."""
    return [(one.section, one.text) for one in sentences_of([report(text)])]


def test_headings_name_the_section_of_what_follows():
    """With the text on the same line or below."""
    text = "CLINICAL HISTORY: Sudden weakness.\nFINDINGS:\nNo hemorrhage. ASPECTS 8.\nIMPRESSION: Normal."
    assert [
        ("history", "Sudden weakness."), ("findings", "No hemorrhage."), ("findings", "ASPECTS 8."),
        ("impression", "Normal."),
    ] == cut(text)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("CLINICAL HISTORY/INDICATION:", "history"),
        ("Clinical Details", "history"),
        ("REASON FOR EXAMINATION:", "history"),
        ("Clinical question:", "history"),
        ("PROCEDURE:", "technique"),
        ("Comparison:", "comparison"),
        ("CT HEAD FINDINGS:", "findings"),
        ("Findings (CT head):", "findings"),
        ("**Findings:**", "findings"),
        ("CONCLUSION", "impression"),
        ("IMPRESSION/RECOMMENDATION:", "impression"),
        ("IMPRESSION AND PLAN:", "impression"),
        ("=== IMPRESSION ===", "impression"),
        ("ADDENDUM 1 (03/02/2026 10:00):", "impression"),
    ],
)
def test_headings_are_known_in_many_spellings(line: str, section: str):
    """With the text below, and where a colon ends the heading on the same line."""
    assert [(section, "the left hemisphere")] == cut(f"{line}\nthe left hemisphere")
    if line.endswith(":"):
        assert [(section, "the left hemisphere")] == cut(f"{line} the left hemisphere")


@pytest.mark.parametrize(
    "text",
    [
        "No change since the prior\nstudy\nof the left",
        "There is a history of\nsymptoms\nfor two days",
        "NO ACUTE FINDINGS: the left is normal",
        "history and examination\nof the patient",
    ],
)
def test_words_of_a_wrapped_sentence_are_no_heading(text: str):
    """A line that holds but "study" ends no sentence, and "no acute findings" is a statement."""
    assert [("other", text.replace("\n", " "))] == cut(text)


def test_headings_are_found_in_a_text_that_lost_its_line_breaks():
    """In capitals anywhere, otherwise after the end of a sentence."""
    assert [("history", "the stroke"), ("technique", "CT of the head."), ("findings", "No bleed."),
            ("impression", "Normal in all.")] == cut(
        "INDICATION: the stroke TECHNIQUE: CT of the head. FINDINGS: No bleed. Impression: Normal in all."
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "The shift is 3.5 mm.",
        "Seen by Dr. Smith in the scanner.",
        "The lesion measures approx. 4 cm.",
        "No. 2 of the series is normal.",
    ],
)
def test_decimals_and_abbreviations_end_no_sentence(text: str):
    """One sentence stays one."""
    assert [text] == [sentence for _, sentence in cut(text)]


def test_a_line_break_within_a_sentence_is_no_end_and_a_list_is_many():
    """Wrapped lines are joined; numbered lines stand alone."""
    assert ["There is no evidence of hemorrhage."] == [text for _, text in cut("There is no evidence of\nhemorrhage.")]
    assert ["No hemorrhage", "No infarct"] == [text for _, text in cut("1. No hemorrhage\n2. No infarct")]


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("Hx: ", "history"),
        ("Reason for exam: ", "history"),
        ("Clinical findings: ", "history"),
        ("FINDINGS ", "findings"),
        ("IMPRESSION ", "impression"),
        ("Conclusion – ", "impression"),
        ("Conclusion - ", "impression"),
        ("## Key findings: ", "findings"),
        ("PREVIOUS IMAGING: ", "comparison"),
        ("Scan protocol: ", "technique"),
    ],
)
def test_a_heading_may_be_followed_by_its_text(line: str, section: str):
    """After a colon or a dash, and after capitals without either."""
    assert [(section, "The left hemisphere")] == cut(f"{line}The left hemisphere")


def test_a_line_of_capitals_that_begins_like_a_heading_is_a_statement():
    """In a text of capitals only a colon makes a heading."""
    assert [("other", "HISTORY OF STROKE IN THE LEFT HEMISPHERE.")] == cut("HISTORY OF STROKE IN THE LEFT HEMISPHERE.")


def test_a_template_has_a_statement_on_each_line():
    """A label begins one, and so does a capital where the line before had room for its word."""
    assert ["Midline: shift to the left", "Vessels: dense MCA"] == [
        text for _, text in cut("Midline: shift to the left\nVessels: dense MCA")
    ]
    assert ["No bleed", "No midline shift", "Normal ventricles"] == [
        text for _, text in cut("No bleed\nNo midline shift\nNormal ventricles")
    ]


def test_a_wrapped_line_goes_on_before_a_capital():
    """Where the word did not fit, or the line ends with a word that needs another."""
    long = "There is loss of gray-white differentiation that involves the entire territory of the left"
    assert [f"{long} MCA"] == [text for _, text in cut(f"{long}\nMCA")]
    assert ["No sign of Broca aphasia"] == [text for _, text in cut("No sign of\nBroca aphasia")]


def test_numbers_of_a_list_part_it_on_one_line():
    """Without full stops, in text that lost its line breaks."""
    assert ["No bleed", "Old infarct", "ASPECTS 10"] == [
        text for _, text in cut("IMPRESSION: 1. No bleed 2. Old infarct 3. ASPECTS 10")
    ]
    assert ["Grade 2. The rest is normal."] == [" ".join(text for _, text in cut("Grade 2. The rest is normal."))]


def test_a_semicolon_ends_no_sentence():
    """What stands behind it belongs to the same statement of the report."""
    assert ["No bleed; sulci are normal."] == [text for _, text in cut("No bleed; sulci are normal.")]


@pytest.mark.parametrize(
    "text",
    [
        "未见颅内出血。左侧大脑中动脉闭塞。",
        "Kein Nachweis einer Blutung. Die Gefäße sind frei durchgängig, keine Verschlüsse.",
    ],
)
def test_text_that_is_not_english_is_left_unread_and_said(text: str):
    """The lexicon knows one language."""
    issue = unreadable_language(report(text))
    assert issue is not None
    assert ("unread", "DiagnosticReport/r1") == (issue.code, issue.source)
    assert [] == cut(text)


@given(st.text(max_size=500))
def test_any_text_is_cut_without_an_exception(text: str):
    """Bounded sentences, whatever comes."""
    assert all(600 >= len(sentence) for _, sentence in cut(text))


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("text/plain", b"No bleed.\r\nNormal.", "No bleed.\nNormal."),
        ("text/plain; charset=iso-8859-1", "Oedème".encode("latin-1"), "Oedème"),
        ("text/plain", "naïve".encode("cp1252"), "naïve"),
        ("text/html", b"<p>No bleed.</p><script>x</script><p>Normal &amp; calm</p>", "No bleed.\n\nNormal & calm"),
    ],
)
def test_bytes_are_decoded_to_text(kind: str, data: bytes, text: str):
    """Plain text and HTML, by the declared character set or the likely one."""
    assert text == text_of(kind, data)


@pytest.mark.parametrize("kind", ["application/msword", "image/png", "text/plain; charset=klingon"])
def test_what_is_not_read_is_refused_and_named(kind: str):
    """Another type or character set."""
    with pytest.raises(UnreadableText, match="not read"):
        text_of(kind, b"abc")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes):
    """No other exception comes out."""
    for kind in ("text/plain", "text/html"):
        with suppress(UnreadableText):
            assert isinstance(text_of(kind, data), str)
