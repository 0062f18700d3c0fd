"""PDF and RTF documents, read in a process that hostile files cannot hold up."""

import subprocess
import sys
import zlib
from contextlib import suppress
from dataclasses import replace
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.text.decode import UnreadableText, text_of
from fhir_mappings.text.extract import LIMITS, extracted
from fhir_mappings.text.unreadable import UnreadableDocument
from fhir_mappings.text.worker import PDF, RTF, document_text
from tests.documents import encrypted, pdf_of, pdf_with, rtf_of

REPORT = ("CLINICAL HISTORY: unsteady gait.", "FINDINGS:", "No hemorrhage (none).", "IMPRESSION: Dense left M1.")
ENDLESS = b"BT /F1 9 Tf " + b"(a) Tj " * 4_000_000 + b"ET"
"""A content stream of 28 MB that takes many seconds to parse; a few hundred kilobytes in the file."""


def read(kind: str, data: bytes) -> str:
    """The text of a document, read in this process."""
    return document_text(kind, data, pages=50, characters=200_000)


def refusal(data: bytes, **limits: float) -> str:
    """Why a PDF is not read under these limits."""
    with pytest.raises(UnreadableText) as caught:
        extracted(PDF, data, replace(LIMITS, **limits))
    return str(caught.value)


@pytest.mark.parametrize(("kind", "data"), [(PDF, pdf_of(REPORT)), (RTF, rtf_of(*REPORT))])
def test_a_document_is_read_with_its_lines(kind: str, data: bytes):
    """In a process of its own as in this one."""
    assert list(REPORT) == [line.strip() for line in text_of(kind, data).split("\n")]
    assert list(REPORT) == [line.strip() for line in read(kind, data).strip().split("\n")]


def test_three_pages_are_one_text_without_what_repeats_on_each():
    """A footer between two pages would cut a sentence in two and lose its negation."""
    pages = [
        ("Example Hospital", "FINDINGS: There is no", "Page 1 of 3"),
        ("Example Hospital", "hemorrhage. No infarct.", "Page 2 of 3"),
        ("Example Hospital", "IMPRESSION: Normal.", "Page 3 of 3"),
    ]
    text = read(PDF, pdf_of(*pages))
    assert ["Example Hospital", "FINDINGS: There is no", "Page 1 of 3", "hemorrhage. No infarct.",
            "IMPRESSION: Normal."] == text.split("\n")  # fmt: skip


def test_rich_text_keeps_characters_beyond_ascii_and_cells():
    """By code page, by Unicode number and as two halves; fonts, styles and pictures are no text."""
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\pict\pngblip 89504e}\'e9\u8805?\u55357?\u56832? a\cell b\row}"
    )
    assert "é≥😀 a\nb" == read(RTF, rtf).strip()


@pytest.mark.parametrize("mark", [r"\strike ", r"\deleted ", r"\striked1 "])
def test_struck_out_rich_text_is_refused(mark: str):
    """Its parser would read "no" where it was struck out; "strike0" only ends it."""
    with pytest.raises(UnreadableDocument, match="struck out"):
        read(RTF, rf"{{\rtf1 There is {{{mark}no}} hemorrhage}}".encode())
    assert "hemorrhage" == read(RTF, rb"{\rtf1 \strike0 hemorrhage}")


def test_a_scan_without_text_is_said():
    """A picture of a report says nothing to us."""
    assert "no text layer" == refusal(pdf_with(b"0 0 100 100 re f"))


def test_an_encrypted_file_is_said_and_a_locked_one_is_read():
    """A password is needed for the first; the second is only locked against changes."""
    assert "its file is encrypted" == refusal(encrypted(pdf_of(REPORT), "secret"))
    assert "FINDINGS:" in text_of(PDF, encrypted(pdf_of(REPORT), ""))


@pytest.mark.parametrize("size", [5, 60, 200, 400])
def test_a_truncated_file_is_read_or_refused(size: int):
    """Whatever is missing; nothing else comes out."""
    with suppress(UnreadableText):
        assert isinstance(extracted(PDF, pdf_of(REPORT)[:size]), str)


def test_garbage_is_refused_without_its_content():
    """The reason names the kind of failure and no word of the file."""
    assert "its file is damaged or of another type" == refusal(b"%PDF-1.7 Jane Doe, hemorrhage")
    with pytest.raises(UnreadableText, match="damaged"):
        extracted(RTF, b"Jane Doe, hemorrhage")


def test_a_kind_without_a_parser_is_refused():
    """The worker reads what it was made for."""
    with pytest.raises(UnreadableText, match="another type"):
        extracted("application/msword", b"x")


def test_a_file_of_thousands_of_pages_is_refused_in_time():
    """Whole: a cut one would lack its impression."""
    assert "it has too many pages" == refusal(pdf_of(*[("x",)] * 3000))


def test_a_long_text_is_refused():
    """By its characters, in a PDF before all pages are read."""
    assert "its text is too long" == refusal(pdf_of(("word " * 20,), ("word " * 20,)), characters=150)
    with pytest.raises(UnreadableText, match="too long"):
        extracted(RTF, rtf_of("x" * 200), replace(LIMITS, characters=150))


def test_a_large_file_starts_no_process():
    """It is refused before."""
    assert "it is too large" == refusal(b"%PDF-" + b"x" * 100, bytes_in=50)


def test_the_time_that_is_left_may_be_none():
    """Other documents of the call took it."""
    assert "no time was left for it" == refusal(pdf_of(REPORT), wall_s=0)


def test_memory_is_bounded():
    """A stream of a few kilobytes that swells to 60 MB."""
    bomb = pdf_with(b" " * 60_000_000)
    assert 100_000 > len(bomb)
    assert "it needs too much memory" == refusal(bomb, memory_mib=100)


def test_a_decompression_bomb_within_a_bomb_is_refused():
    """Beyond what the parser unpacks at all."""
    twice = zlib.compress(zlib.compress(b" " * 200_000_000, 9), 9)
    data = pdf_with(twice, compressed=False).replace(
        b"<</Length %d>>" % len(twice), b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>" % len(twice)
    )
    assert refusal(data) in ("it needs too much memory", "its file is damaged or of another type")


def test_processor_time_is_bounded():
    """One second of it ends the process, however long the clock would run."""
    assert "reading it took too long" == refusal(pdf_with(ENDLESS), cpu_s=1, wall_s=60, memory_mib=4096)


def test_the_clock_is_bounded_and_the_process_is_gone():
    """It is killed, and nobody waits for it."""
    begin = monotonic()
    assert "reading it took too long" == refusal(pdf_with(ENDLESS), cpu_s=60, wall_s=0.5, memory_mib=4096)
    assert 5 > monotonic() - begin


def test_a_process_that_dies_is_a_failure():
    """One that cannot even start within its memory."""
    assert refusal(pdf_of(REPORT), memory_mib=1) in ("reading it failed", "it needs too much memory")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("fhir_mappings.reports", ("pypdf", "striprtf")),
        ("fhir_mappings.text.worker", ("pypdf", "striprtf", "pydantic", "fhir", "numpy")),
    ],
)
def test_importing_costs_no_parser(module: str, heavy: tuple[str, ...]):
    """The service loads none, and the worker nothing else."""
    code = f"import {module}, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([PDF, RTF]))
def test_any_bytes_end_in_text_or_an_exception_that_the_worker_expects(data: bytes, kind: str):
    """Of documents as of garbage that begins like them; in this process, as it is quicker."""
    for start in (b"", b"%PDF-1.4\n", b"{\\rtf1 "):
        with suppress(Exception):
            assert isinstance(read(kind, start + data), str)


@settings(max_examples=10, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 400), st.sampled_from([(PDF, pdf_of(REPORT)), (RTF, rtf_of(*REPORT))]))
def test_a_document_with_a_hole_is_read_or_refused(noise: bytes, place: int, document: tuple[str, bytes]):
    """Through the worker nothing but a refusal comes out."""
    kind, data = document
    with suppress(UnreadableText):
        assert isinstance(extracted(kind, data[:place] + noise + data[place + len(noise) :]), str)
