"""The text of an HTML page with its lines and headings, in time linear in its length.

The standard library's parser took four minutes for 180 kB of ``<a <a <a`` (measured with Python
3.11.7), so tags are found by one expression that never looks beyond the next ``<``.
"""

import html
import re
from dataclasses import dataclass, field

_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-z][a-z0-9:-]*+)(?P<rest>(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>|<[!?][^<>]*+>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});?", re.IGNORECASE)

_BLOCKS = frozenset(
    "address article blockquote br caption center dd div dl dt fieldset footer h1 h2 h3 h4 h5 h6 header hr legend "
    "li main ol p pre section table tbody td tfoot th thead tr ul".split()
)
_SILENT = frozenset({"del", "head", "s", "script", "strike", "style", "title"})
"""What a reader does not see, or sees struck out."""
_BOLD = frozenset({"b", "strong", "u"})
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_KEEPS_LINES = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_LOST_COLON = re.compile(r"(?<!\s)\s++:")
_ENDS = (".", ":", ";", "!", "?", "\n")


def text_of_page(markup: str) -> str:
    """The text that a reader of the page sees; blocks, ``<pre>`` and headings in bold make lines."""
    page, place = _Page(), 0
    markup = _without_comments(markup.replace("<![CDATA[", "").replace("]]>", ""))
    for tag in _TAG.finditer(markup):
        page.text(markup[place : tag.start()])
        place = tag.end()
        if tag["name"]:
            page.tag(tag["name"].lower(), tag["rest"], ends=bool(tag["end"]))
    page.text(markup[place:])
    return _LOST_COLON.sub(lambda lost: ":" if "\n" in lost[0] else lost[0], "".join(page.parts))


def _without_comments(markup: str) -> str:
    """As a browser hides them: to the end of the page where one is left open."""
    first, *others = markup.split("<!--")
    return first + "".join(other.partition("-->")[2] for other in others)


@dataclass
class _Page:
    """What was read of a page so far."""

    parts: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)  # the outermost silent element, and its like within
    kept: list[str] = field(default_factory=list)  # open elements from the one on that keeps its line breaks
    bold_from: int | None = None

    def text(self, data: str) -> None:
        """Text, if it is seen; its line breaks mean nothing in HTML but where they are kept."""
        if data and not self.silent:
            data = data if self.kept else re.sub(r"[\r\n]+", " ", data)
            self.parts.append(_ENTITY.sub(lambda found: html.unescape(found[0]), data))

    def tag(self, name: str, rest: str, *, ends: bool) -> None:
        """A tag: a block begins and ends a line."""
        if name == "body" and self.silent and self.silent[0] in ("head", "title"):
            self.silent.clear()  # a head that was left open
        empty = name in _VOID or rest.endswith("/")
        if self.silent or (name in _SILENT and not ends):
            self._unseen(name, ends=ends, empty=empty)
            return
        if name in _BLOCKS:
            self.parts.append("\n")
        if not empty:
            self._keep(name, rest, ends=ends)
            if name in _BOLD:
                self._bold(ends=ends)

    def _unseen(self, name: str, *, ends: bool, empty: bool) -> None:
        """Within an element that is not seen only its own end counts."""
        if ends and name == self.silent[0]:
            self.silent.pop()
        elif not ends and not empty and (not self.silent or name == self.silent[0]):
            self.silent.append(name)

    def _keep(self, name: str, rest: str, *, ends: bool) -> None:
        """Line breaks are kept within ``<pre>`` and what is styled like it."""
        if not ends and (self.kept or name == "pre" or _KEEPS_LINES.search(rest)):
            self.kept.append(name)
        elif ends and name in self.kept[-20:]:  # misnested tags close what they enclose
            while self.kept.pop() != name:
                pass

    def _bold(self, *, ends: bool) -> None:
        """Bold text that ends with a colon, or in capitals after the end of a sentence, begins a line."""
        begin, self.bold_from = self.bold_from, None if ends else len(self.parts)
        if not ends or begin is None:
            return
        bold = "".join(self.parts[begin:]).strip()
        before = "".join(self.parts[max(0, begin - 20) : begin]).rstrip(" ")
        if bold.endswith(":"):
            self.parts.insert(begin, "\n")
        elif bold.isupper() and len(bold) > 5 and (not before or before.endswith(_ENDS)):
            self.parts[begin:] = ["\n", bold, "\n"]
