"""Attachments as bytes: the text in them, with its lines, or a refusal."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.text.decode import UnreadableText, content_kind, text_in, text_of
from fhir_mappings.text.extract import LIMITS
from tests.documents import pdf_of, rtf_of


def test_entities_are_characters():
    """``&lt;50 &#37;`` is a number with its bound."""
    assert "<50 % stenosis" == text_of("application/xhtml+xml", b"<div>&lt;50 &#37; stenosis</div>")


def test_angle_brackets_of_plain_text_are_no_tags():
    """``<50 %`` in plain text stays."""
    assert "a <50 % stenosis of b > c" == text_of("text/plain", b"a <50 % stenosis of b > c")


def test_the_declared_character_set_is_used():
    """Declared Latin-1 is not tried as UTF-8; a wrong declaration is refused and not guessed."""
    assert "é" == text_of('text/plain; charset="ISO-8859-1"', b"\xe9")
    with pytest.raises(UnreadableText, match="character set"):
        text_of("text/plain; charset=utf-8", b"\xe9\xff")


def test_a_byte_order_mark_is_no_text():
    """Else it would hide the first heading."""
    assert "FINDINGS:" == text_of("text/plain", b"\xef\xbb\xbfFINDINGS:")


@pytest.mark.parametrize("kind", ["TEXT/PLAIN", " text/plain ;format=flowed"])
def test_content_types_are_read_in_any_spelling(kind: str):
    """Upper case, blanks and parameters."""
    assert "No bleed." == text_of(kind, b"No bleed.")


def test_blanks_are_joined_and_paragraphs_kept():
    """Runs of blanks are one, three empty lines are one, single line breaks stay."""
    assert "a b\nc\n\nd" == text_of("text/plain", "  a \t\u00a0 b \r\nc\n\n\n\nd  \n".encode())


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_a_text_beyond_the_bounds_is_refused_whole(kind: str):
    """A report cut short would lack its impression."""
    limits = replace(LIMITS, characters=100, bytes_in=1000)
    assert "x" * 100 == text_of(kind, b"x" * 100, limits)
    with pytest.raises(UnreadableText, match="too long"):
        text_of(kind, b"x" * 101, limits)
    with pytest.raises(UnreadableText, match="too large"):
        text_of(kind, b"x" * 1001, limits)
    with pytest.raises(UnreadableText, match="too long"):
        text_in("x" * 101, limits)


def test_a_refusal_names_the_type_in_few_characters():
    """An attacker's content type does not flood a card."""
    with pytest.raises(UnreadableText) as refusal:
        text_of("application/" + "x" * 500, b"")
    assert 80 > len(str(refusal.value))


@pytest.mark.parametrize(
    ("declared", "data", "kind"),
    [
        (None, b"%PDF-1.4", "application/pdf"),
        ("", b"\xef\xbb\xbf{\\rtf1 x}", "application/rtf"),
        ("application/octet-stream", b"\n<html><p>x", "text/html"),
        (None, b'<?xml version="1.0"?><div xmlns="x">x</div>', "text/html"),
        (None, b"<50 % stenosis", "text/plain"),
        ("text/plain", b"{\\rtf1 x}", "application/rtf"),
        ("text/plain", b"a <p> b", "text/plain"),
        ("Text/RTF; charset=x", b"x", "application/rtf"),
        ("image/png", b"%PDF-1.4", "image/png"),
    ],
)
def test_a_type_that_is_absent_or_plain_is_told_by_the_first_bytes(declared: str | None, data: bytes, kind: str):
    """By marks that nothing else begins with; any other declaration is believed."""
    assert kind == content_kind(declared, data)


@pytest.mark.parametrize("declared", [None, "application/octet-stream", "text/plain"])
def test_bytes_that_are_no_text_are_refused(declared: str | None):
    """A picture without a type."""
    with pytest.raises(UnreadableText, match="no text"):
        text_of(declared, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01")


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-8", "cp1252"])
def test_undeclared_character_sets_are_told_apart(name: str):
    """By their mark, by the zeros of UTF-16, by what UTF-8 allows."""
    assert "naïve – no hemorrhage" == text_of("text/plain", "naïve – no hemorrhage".encode(name))


def test_declared_latin_1_holds_the_quotes_of_windows():
    """As browsers read it; and what Windows-1252 lacks is read as it is declared."""
    assert "it’s" == text_of("text/plain; charset=iso-8859-1", b"it\x92s")
    assert "é" == text_of("text/plain; charset=latin1", b"\xe9\x81").strip("\x81")


def test_a_page_may_name_its_own_character_set():
    """In a meta element or the XML declaration; UTF-8 that is valid goes before it."""
    page = '<html><meta charset="iso-8859-2"><p>ł</p></html>'
    assert "ł" == text_of("text/html", page.encode("iso-8859-2"))
    assert "ł" == text_of("text/html", page.encode())


@pytest.mark.parametrize("name", ["zlib", "rot13", "unicode_escape", "idna", "undefined", "utf-7", "a.b", "x" * 300])
def test_a_codec_that_is_no_character_set_is_refused(name: str):
    """Python has some that unpack or evaluate."""
    with pytest.raises(UnreadableText, match="character set"):
        text_of(f"text/plain; charset={name}", b"abc")


@pytest.mark.parametrize(
    "text",
    [
        "FINDINGS:\rNo bleed.",
        "FINDINGS:\r\nNo bleed.",
        "FINDINGS:\u2028No bleed.",
        "FINDINGS:<br>No bleed.",
        "FINDINGS:<BR />No bleed.",
        r"FINDINGS:\.br\No bleed.",
        r"FINDINGS:\X0D0A\No bleed.",
        r"\H\FINDINGS:\N\\.sp1\No bleed.",
        r"FINDINGS:\nNo bleed.",
        r"FINDINGS:\r\nNo\tbleed.",
        "FINDINGS:&#13;&#10;No&nbsp;bleed.",
        "<p><b>FINDINGS:</b></p>No bleed.",
        "<pre>FINDINGS:\nNo bleed.</pre>",
    ],
)
def test_line_breaks_are_found_however_they_were_written(text: str):
    """HL7 v2 escapes, escapes that were escaped again, and tags included."""
    assert "FINDINGS:\nNo bleed." == text_in(text).replace("\n\n", "\n")


def test_escaped_signs_are_the_signs():
    """Of HL7 v2 and of HTML in a plain string."""
    assert "a & b | c <50 %" == text_in(r"a \T\ b \F\ c &lt;50 %")


def test_what_is_not_seen_is_gone():
    """Soft hyphens, marks without width and ligatures would hide a word from the lexicon."""
    assert "hemorrhage findings non-occlusive" == text_in("hemor\u00adrhage \ufb01nd\u200bings non\u2011occlusive")


def test_rich_text_in_a_string_is_read():
    """Some servers fill the conclusion with it."""
    assert "FINDINGS:\nNo bleed." == text_in(rtf_of("FINDINGS:", "No bleed.").decode())


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["", "text/plain", "text/html", "application/xhtml+xml; charset=utf-16", "image/png"])
    | st.text(max_size=40),
    st.binary(max_size=300) | st.text(max_size=200).map(str.encode),
)
def test_any_attachment_is_text_or_refused(declared: str, data: bytes):
    """Whatever its type says; nothing else comes out, and no line break that is not one."""
    with suppress(UnreadableText):
        assert "\r" not in text_of(declared, data)


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_any_string_is_text_or_refused(value: str):
    """Half characters and control characters too."""
    with suppress(UnreadableText):
        assert isinstance(text_in(value), str)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["", "application/pdf", "text/rtf", "application/octet-stream", "text/plain"]),
    st.sampled_from([b"%PDF-1.7\n", b"{\\rtf1 ", pdf_of(("x",))[:300]]),
    st.binary(max_size=200),
)
def test_any_document_is_text_or_refused(declared: str, start: bytes, rest: bytes):
    """Through the worker."""
    with suppress(UnreadableText):
        assert isinstance(text_of(declared, start + rest), str)
