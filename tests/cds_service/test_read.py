"""`endwatch read`: the findings of a report as a table, of JSON lines as JSON lines."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cli import main
from cds_service.reading import UNREVIEWED, CannotRead, printed

ROOT = Path(__file__).parents[2]
REPORT = (
    "CLINICAL HISTORY: Woke with left arm weakness, ?bleed\n"
    "FINDINGS: No hemorrhage. Midline shift of 0.4 cm to the left. ASPECTS 7.\n"
    "IMPRESSION: Right M1 occlusion with poor collaterals."
)


def read(data: str | bytes, *more: str) -> tuple[int, str]:
    """Exit code and output of the command for what is piped in."""
    result = CliRunner().invoke(main, ["read", "-", *more], input=data)
    return result.exit_code, result.output


def answers(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer to each line."""
    code, text = read("".join(f"{json.dumps(line)}\n" for line in lines))
    assert 0 == code
    return [json.loads(line) for line in text.splitlines()]


def row(text: str, name: str) -> str:
    """The line of a table that begins with this finding."""
    return next(line for line in text.splitlines() if line.startswith(name))


def test_a_report_is_a_table_with_the_sentence_of_each_finding():
    """Finding, assertion, side, site, value with its unit, grade, section and the sentence."""
    code, text = read(REPORT)
    assert 0 == code
    assert ["finding", "assertion", "side", "site", "value", "grade", "section", "sentence"] == text.split("\n")[
        0
    ].split()
    shift = row(text, "midline shift")
    assert all(word in shift for word in ("present", "4 mm", "findings", "Midline shift of 0.4 cm to the left."))
    assert "7 points" in row(text, "ASPECTS")
    occlusion = row(text, "arterial occlusion")
    assert all(word in occlusion for word in ("present", "right", "m1", "impression"))
    assert "poor" in row(text, "collateral")
    assert "present" in row(text, "wake-up onset")


def test_the_last_line_says_that_no_clinician_reviewed_the_conventions():
    """Also where nothing was found."""
    for text in (REPORT, "The sinuses are clear."):
        assert UNREVIEWED == read(text)[1].splitlines()[-1]
    assert "No finding read." in read("The sinuses are clear.")[1]


def test_a_report_is_json_too():
    """Each finding with its section; the note about the conventions."""
    code, text = read(REPORT, "--json")
    found = json.loads(text)
    assert 0 == code
    assert UNREVIEWED == found["note"]
    shift = next(one for one in found["findings"] if one["finding"] == "midline_shift")
    assert {
        "finding": "midline_shift",
        "assertion": "present",
        "value": 4.0,
        "unit": "mm",
        "section": "findings",
    }.items() <= (shift.items())


def test_a_file_is_read_by_its_name(tmp_path: Path):
    """Text in a file."""
    file = tmp_path / "report.txt"
    file.write_text(REPORT)
    result = CliRunner().invoke(main, ["read", str(file)])
    assert (0, True) == (result.exit_code, "ASPECTS" in result.output)


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body><p>FINDINGS: <b>Left M1 occlusion.</b></p></body></html>",
        rb"{\rtf1\ansi FINDINGS:\par Left M1 occlusion.\par}",
        "FINDINGS: Left M1 occlusion.".encode("utf-16"),
        b"\n\nFINDINGS: Left M1 occlusion.",
    ],
)
def test_other_files_are_told_by_their_bytes(data: bytes):
    """HTML, RTF, another encoding, and blank lines first."""
    code, text = read(data)
    assert 0 == code
    assert all(word in row(text, "arterial occlusion") for word in ("left", "m1", "findings", "Left M1 occlusion."))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"%PDF-1.4 not really", "its file is damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0", "its bytes are no text"),
        (
            "Kein Nachweis einer Blutung. Die Gefäße sind frei durchgängig, keine Verschlüsse.".encode(),
            "not in English",
        ),
    ],
)
def test_a_report_that_is_not_read_says_why(data: bytes, why: str):
    """Exit code 1, one sentence, no table."""
    code, text = read(data)
    assert 1 == code
    assert why in text
    assert "Traceback" not in text


def test_each_line_has_an_answer_with_the_members_of_each_finding():
    """In order, with the id as it came, and null for what is not said."""
    first, second, third = answers(
        {"id": "A1", "section": "findings", "text": "Dense left MCA. Midline shift of 6 mm."},
        {"id": 2, "section": None, "text": "Normal."},
        {"id": None, "section": "impression", "text": "70 % stenosis of the right ICA."},
    )
    assert ["A1", 2, None] == [first["id"], second["id"], third["id"]]
    assert [] == second["findings"]
    shift = next(one for one in first["findings"] if one["finding"] == "midline_shift")
    assert {
        "finding": "midline_shift", "assertion": "present", "side": None, "site": None, "value": 6.0, "unit": "mm",
        "grade": None, "sentence": "Midline shift of 6 mm.",
    } == shift  # fmt: skip
    assert [(70.0, "%")] == [(one["value"], one["unit"]) for one in third["findings"]]


def test_the_section_of_a_line_counts_or_else_the_headings_in_its_text():
    """The same question is asked in the history and uncertain in the impression."""
    text = "?bleed"
    said = [one["findings"][0]["assertion"] for one in answers(
        {"id": 1, "section": "history", "text": text}, {"id": 2, "section": "impression", "text": text},
        {"id": 3, "section": None, "text": f"Clinical history: {text}"},
    )]  # fmt: skip
    assert ["asked", "uncertain", "asked"] == said


def test_a_line_in_another_language_is_answered_as_unread():
    """And the next one is read."""
    first, second = answers({"id": 1, "text": "未见颅内出血。"}, {"id": 2, "text": "No bleed."})
    assert {"id": 1, "findings": [], "unread": "not in English"} == first
    assert ["absent"] == [one["assertion"] for one in second["findings"]]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{oops", "line 4 is not JSON"),
        ("[1]", "line 4 has no text"),
        ('{"id": 3}', "line 4 has no text"),
        ('{"id": 3, "text": 7}', "line 4 has no text"),
        ('{"id": 3, "text": "a", "section": "summary"}', "line 4: section is none of history"),
    ],
)
def test_a_line_that_is_not_read_is_named_by_its_number(line: str, why: str):
    """Exit code 1, behind the answers to the lines before it; blank lines count."""
    code, text = read(f'\n{{"id": 1, "text": "No bleed."}}\n\n{line}\n')
    assert 1 == code
    assert '{"id": 1, "findings"' in text
    assert why in text


def test_lines_are_answered_as_they_come():
    """The answer to the first line stands before the second was asked for."""
    asked: list[int] = []

    class Slow(io.BytesIO):
        def __iter__(self) -> Iterator[bytes]:
            for number, line in enumerate([b'{"text": "No bleed."}\n', b'{"text": "Bleed."}\n']):
                asked.append(number)
                yield line

    lines = printed(Slow(), as_json=False)
    next(lines)
    assert [0] == asked
    assert 1 == len(list(lines))


def test_reading_needs_no_model():
    """It starts without torch, numpy, the web and FHIR libraries."""
    heavy = "torch", "numpy", "flask", "transformers", "fhir"
    code = (
        "import io, sys; from cds_service.reading import printed;"
        "list(printed(io.BytesIO(b'No bleed.'), as_json=False));"
        f"sys.exit(', '.join(name for name in {heavy!r} if name in sys.modules) or None)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (0, "") == (told.returncode, told.stderr)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=50).map(lambda data: b"{" + data)))
def test_any_bytes_are_printed_or_refused_in_a_sentence(data: bytes):
    """No other exception; a document of the worker's kind is not tried here."""
    if data.lstrip().startswith((b"{\\rtf", b"%PDF")):
        return
    with suppress(CannotRead):
        assert all(isinstance(line, str) for line in printed(io.BytesIO(data), as_json=False))
