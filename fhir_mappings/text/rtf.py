"""The text of a Rich Text file. Runs in the worker only: its bytes may be anybody's."""

import re

from striprtf.striprtf import rtf_to_text

from fhir_mappings.text.unreadable import Failure, UnreadableDocument

_STRUCK = re.compile(r"\\(?:strike|striked1|deleted)(?![a-z0-9])")
"""Struck out or deleted with changes tracked: striprtf would read it as if it were still said."""


def rtf_text(data: bytes) -> str:
    """The text with its line breaks, a table cell a line. Raises `UnreadableDocument`."""
    rtf = data.decode("cp1252", "replace").lstrip("\ufeff\r\n\t ")
    if not rtf.startswith("{\\rtf"):
        raise UnreadableDocument(Failure.MALFORMED)
    if _STRUCK.search(rtf):
        raise UnreadableDocument(Failure.STRUCK_TEXT)
    text: str = rtf_to_text(rtf, errors="replace")  # type: ignore[no-untyped-call]  # striprtf is not annotated
    # cells end in "|"; characters beyond U+FFFF come as two halves
    return text.replace("|", "\n").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
