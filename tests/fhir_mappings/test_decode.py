"""Attachments as bytes: the text in them, with its lines, or a refusal."""

import pytest

from fhir_mappings.text.decode import LONGEST, UnreadableText, text_of


def test_blocks_of_a_page_are_lines():
    """Headings, cells, list items and breaks each end a line, so that headings are found again."""
    page = b"<h2>FINDINGS</h2><ul><li>No bleed.</li><li>ASPECTS 8.</li></ul>One<br/>two"
    lines = text_of("text/html", page).split("\n")
    assert ["FINDINGS", "No bleed.", "ASPECTS 8.", "One", "two"] == [line for line in lines if line]


def test_inline_tags_and_line_breaks_of_the_source_join_words():
    """A bold "no" stays in its sentence: losing the line would lose the negation."""
    assert "There is no evidence of hemorrhage." == text_of(
        "text/html", b"<p>There is <b>no</b>\nevidence of\nhemorrhage.</p>"
    )


@pytest.mark.parametrize("tag", ["script", "style", "title", "head"])
def test_what_a_reader_does_not_see_is_no_text(tag: str):
    """Scripts, styles and titles."""
    assert "Seen" == text_of("text/html", f"<{tag}>hemorrhage</{tag}><p>Seen</p>".encode())


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


def test_an_attachment_is_read_up_to_a_bound():
    """A text of megabytes does not hold up a call."""
    assert LONGEST == len(text_of("text/plain", b"x" * (LONGEST + 5)))


def test_a_refusal_names_the_type_in_few_characters():
    """An attacker's content type does not flood a card."""
    with pytest.raises(UnreadableText) as refusal:
        text_of("application/" + "x" * 500, b"")
    assert 80 > len(str(refusal.value))
