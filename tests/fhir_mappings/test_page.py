"""What a reader of an HTML page sees, with its lines and headings."""

from contextlib import suppress
from time import process_time

import pytest

from fhir_mappings.text.decode import UnreadableText, text_in, text_of


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


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (
            "<p>CT <b>FINDINGS:</b> No bleed. <strong>IMPRESSION:</strong> x</p>",
            "CT\nFINDINGS: No bleed.\nIMPRESSION: x",
        ),
        ("<b>FINDINGS</b> No bleed. <b>IMPRESSION</b>: x", "FINDINGS\nNo bleed.\nIMPRESSION: x"),
        ("<p>There is <b>NO</b> and <u>NEITHER</u> bleed</p>", "There is NO and NEITHER bleed"),
        ("<b><u>FINDINGS:</u></b> x", "FINDINGS: x"),
    ],
)
def test_headings_in_bold_begin_a_line(markup: str, text: str):
    """A bold word within a sentence does not."""
    assert text == text_in(markup)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<pre>FINDINGS:\nNo <b>bleed</b></pre>a\nb", "FINDINGS:\nNo bleed\na b"),
        ("<div style='white-space: pre-wrap'>a\n<span>b<br/>c</span>\nd</div>e\nf", "a\nb\nc\nd\ne f"),
        ("FINDINGS:\nNo <i>bleed</i> <50 %", "FINDINGS:\nNo bleed <50 %"),
    ],
)
def test_line_breaks_that_a_page_keeps_are_kept(markup: str, text: str):
    """Preformatted text, and plain lines with a few tags among them."""
    assert text == text_in(markup)


@pytest.mark.parametrize("tag", ["del", "s", "strike"])
def test_what_was_struck_out_is_no_text(tag: str):
    """An amended page shows it, and takes it back."""
    assert "There is hemorrhage" == text_in(f"<p>There is <{tag}>no</{tag}> hemorrhage</p>")


def test_a_page_with_a_picture_in_it_is_read():
    """Its characters count as they are seen; comments and declarations are not."""
    page = b"<!-- no --><p><img src='data:image/png;base64," + b"A" * 500_000 + b"'/>Seen<!-- not -->.</p><!-- open"
    assert "Seen." == text_of("text/html", page)


def test_cdata_is_text():
    """As some servers wrap their narrative."""
    assert "No bleed <50" == text_in("<div><![CDATA[No bleed <50]]></div>")


@pytest.mark.parametrize(
    "piece", ["<a ", "<!--", "</", "<", "<pre>", "<a x='", "<b>x:</b>", "<p\n", "&#", "\n:", "<![if"]
)
def test_a_hostile_page_costs_no_more_than_its_length(piece: str):
    """Python's own parser takes minutes for the first one."""
    begin = process_time()
    with suppress(UnreadableText):
        text_of("text/html", b"<p>" + piece.encode() * (200_000 // len(piece)))
    assert 2 > process_time() - begin


def test_a_head_that_is_left_open_hides_no_body():
    """As browsers read it."""
    assert "Seen" == text_of("text/html", b"<html><head><title>x<body><p>Seen")
