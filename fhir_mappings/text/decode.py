"""Bytes to plain text with its headings and line breaks."""

import re
from html.parser import HTMLParser

LONGEST = 200_000
"""Characters of one attachment that are read; a report has a few thousand."""

_BLOCKS = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "p", "td", "th", "tr"})
_SILENT = frozenset({"head", "script", "style", "title"})
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)


class UnreadableText(ValueError):
    """The attachment is of a type, or in a character set, that is not read; says which."""


def text_of(content_type: str, data: bytes) -> str:
    """The text of one attachment: text/plain, text/html or XHTML. Raises `UnreadableText`."""
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind not in ("text/plain", "text/html", "application/xhtml+xml"):
        raise UnreadableText(f"content type {kind[:40] or 'unknown'} is not read")
    text = _decoded(data, _CHARSET.search(content_type))[:LONGEST]
    return _tidy(text if kind == "text/plain" else _without_tags(text))


def _decoded(data: bytes, charset: re.Match[str] | None) -> str:
    """By the declared character set, else UTF-8, else Windows-1252, as older systems write it."""
    names = (charset[1],) if charset else ("utf-8-sig", "cp1252")
    for name in names:
        try:
            return data.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    raise UnreadableText("its character set is not read")


def _tidy(text: str) -> str:
    lines = (re.sub(r"[ \t\f\v\u00a0]+", " ", line).strip() for line in text.replace("\r\n", "\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Text(HTMLParser):
    """Gathers the text of a page; block elements become line breaks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; a script's text is no text."""
        del attrs
        self._silent += tag in _SILENT
        self.parts += ["\n"] if tag in _BLOCKS else []

    def handle_endtag(self, tag: str) -> None:
        """A block ends its line."""
        self._silent = max(0, self._silent - (tag in _SILENT))
        self.parts += ["\n"] if tag in _BLOCKS else []

    def handle_data(self, data: str) -> None:
        """Text outside scripts and styles; its own line breaks mean nothing in HTML."""
        if not self._silent:
            self.parts.append(data.replace("\n", " "))


def _without_tags(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)
