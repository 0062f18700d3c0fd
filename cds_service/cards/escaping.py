"""Text of others made harmless: as Markdown (which may be rendered with its HTML) and as plain text."""

import re
from collections.abc import Iterable
from unicodedata import category

BREAK = "\u200b"
"""A zero-width space: parts what a renderer would join to a link or a mention, and is not seen."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LOOK_ALIKES = str.maketrans("*_`[]{}|\\~", "\u2217-'()()//-")
_FIRST = r"(?P<number>^\d{1,9}(?=[.)]))|(?P<first>^[-+=#:])"
_JOINS = r"(?P<dot>(?<=\S)\.(?=[^\W\d_])|(?<=[wW]{3})\.)|(?P<after>@|(?<=[A-Za-z]):(?=\S)|/(?=/))"
_IN_MARKDOWN = re.compile(rf"{_FIRST}|{_JOINS}|(?P<mark>[\\`*_{{}}\[\]|~])|(?P<entity>[&<>])")
_IN_TEXT = re.compile(rf"(?P<start>^(?=[-+=#>:]|\d+[.)]))|{_JOINS}|(?P<live><(?=[A-Za-z/!?])|&(?=[A-Za-z#]))")


def plain(text: str, longest: int = 160) -> str:
    """Text of a chart, a report or a setting as harmless Markdown, at most ``longest`` characters as written.

    One line without markup, HTML, links, mentions or invisible characters; ``<``, ``>`` and ``&``
    become entities, so that it is harmless in a page that takes it for HTML as well.
    """
    pieces = tuple(_pieces(_one_line(text), longest))
    return "".join(pieces) if sum(map(len, pieces)) <= longest else _cut(pieces, longest)


def quoted(text: str, longest: int = 160) -> str:
    """A sentence of a report between double quotes; where it ends stays clear."""
    return f'"{plain(text.replace(chr(34), chr(39)), longest)}"'


def bare(text: str) -> str:
    """Text for a field that is plain text and that some EHRs render: one line, nothing in it is markup.

    Characters that would be markup are replaced by look-alikes, as nothing can be escaped there.
    """
    return _IN_TEXT.sub(_parted, _one_line(text).translate(_LOOK_ALIKES))


def _one_line(text: str) -> str:
    """Without invisible characters; controls and white space as single spaces."""
    return " ".join("".join(map(_seen, text)).split())


def _seen(one: str) -> str:
    """The character, a space for a control, private or unpaired one, nothing for one that only formats."""
    kind = category(one)
    return "" if kind == "Cf" else " " if kind[0] in "CZ" else one


def _pieces(line: str, longest: int) -> Iterable[str]:
    """The line in pieces that must not be cut, a little more than is needed."""
    at = 0
    for found in _IN_MARKDOWN.finditer(line):
        if at > longest:
            return
        yield from line[at : found.start()]
        yield _escaped(found)
        at = found.end()
    yield from line[at : max(at, longest + 1)]


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    if found["first"] or found["mark"]:
        return f"\\{text}"
    return _ENTITIES[text] if found["entity"] else _parted(found)


def _parted(found: re.Match[str]) -> str:
    return f"{BREAK}.{BREAK}" if found["dot"] else f"{found[0]}{BREAK}"


def _cut(pieces: Iterable[str], longest: int) -> str:
    """As many pieces as fit beside the mark of omission."""
    text = ""
    for piece in pieces:
        if len(text) + len(piece) >= longest:
            break
        text += piece
    return f"{text.rstrip()}…"
