"""The text of a PDF, page by page. Runs in the worker only: its bytes may be anybody's."""

import re
from collections import Counter
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import DependencyError

from fhir_mappings.text.unreadable import Failure, UnreadableDocument

_EDGE = 2
"""Lines at the top and at the bottom of a page that may be page furniture (assumption)."""


def pdf_text(data: bytes, *, most_pages: int, most_characters: int) -> str:
    """The text of all pages without their repeated headers and footers.

    Raises `UnreadableDocument`, and whatever pypdf raises on a damaged file. A document that is
    longer than the bounds is refused whole: the impression stands at its end.
    """
    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and not _opened(reader):
        raise UnreadableDocument(Failure.ENCRYPTED)
    if len(reader.pages) > most_pages:
        raise UnreadableDocument(Failure.TOO_MANY_PAGES)
    pages: list[str] = []
    for page in reader.pages:
        pages.append(page.extract_text())
        if sum(map(len, pages)) > most_characters:
            raise UnreadableDocument(Failure.TOO_LONG)
    return "\n".join(_without_furniture([page.strip().split("\n") for page in pages]))


def _opened(reader: PdfReader) -> bool:
    """True where no password is needed to read, as with files that are only locked against changes."""
    try:
        return bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError):
        return False


def _without_furniture(pages: list[list[str]]) -> list[str]:
    """All lines; a header or footer only where it stands first, or it would cut sentences in two."""
    repeated = Counter(line for page in pages for line in {_masked(line) for line in _edges(page)})
    kept = [line.rstrip() for line in pages[0]] if pages else []
    for page in pages[1:]:
        edge = {number % len(page) for number in range(-_EDGE, _EDGE)}
        kept += [line.rstrip() for number, line in enumerate(page) if number not in edge or repeated[_masked(line)] < 2]
    return kept


def _edges(page: list[str]) -> list[str]:
    return page[:_EDGE] + page[-_EDGE:]


def _masked(line: str) -> str:
    """``Page 2 of 3`` and ``Page 3 of 3`` are one footer."""
    return re.sub(r"\d+", "#", line.strip())
