"""A process that reads one PDF or RTF document and ends: a hostile file ends it and not the service.

``python -m fhir_mappings.text.worker PAGES CHARACTERS MEMORY_MIB CPU_S`` takes a line with the
content type and then the document on stdin, and gives its text as UTF-8 on stdout, or a `Failure`
as its exit status. It imports nothing but the parser that it needs, to start in a tenth of a second.
"""

import resource
import sys
from dataclasses import dataclass
from typing import BinaryIO

from fhir_mappings.text.unreadable import Failure, UnreadableDocument

PDF = "application/pdf"
RTF = "application/rtf"


@dataclass(frozen=True)
class Limits:
    """What one document may cost. All are assumptions but for the reasons given here.

    ``bytes_in``: a report with a few key images has one or two megabytes.
    ``pages``: the longest report has a handful; hundreds are a whole chart.
    ``characters``: a report has a few thousand.
    ``memory_mib``: address space; Python with pypdf and a report of three pages needs 45 (measured).
    ``cpu_s``: a report of three pages takes a tenth of a second (measured).
    ``wall_s``: more than ``cpu_s``, as a busy machine makes a process wait.
    """

    bytes_in: int = 8 * 2**20
    pages: int = 50
    characters: int = 200_000
    memory_mib: int = 256
    cpu_s: int = 2
    wall_s: float = 3.0


def document_text(kind: str, data: bytes, *, pages: int, characters: int) -> str:
    """The text of a document of this content type. Raises `UnreadableDocument`, and what the parsers raise."""
    if kind == PDF:
        from fhir_mappings.text.pdf import pdf_text  # late: RTF does without pypdf

        text = pdf_text(data, most_pages=pages, most_characters=characters)
    elif kind == RTF:
        from fhir_mappings.text.rtf import rtf_text  # late: PDF does without striprtf

        text = rtf_text(data)
    else:
        raise UnreadableDocument(Failure.MALFORMED)
    if not text.strip():
        raise UnreadableDocument(Failure.NO_TEXT)
    if len(text) > characters:
        raise UnreadableDocument(Failure.TOO_LONG)
    return text


def _confine(memory_mib: int, cpu_s: int) -> None:
    """Bound memory and CPU time; write no file, and no core dump, which would hold the patient's text."""
    memory = memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main(arguments: list[str], source: BinaryIO, sink: BinaryIO) -> int:
    pages, characters, memory_mib, cpu_s = map(int, arguments)
    _confine(memory_mib, cpu_s)
    try:
        kind, _, data = source.read().partition(b"\n")
        text = document_text(kind.decode(), data, pages=pages, characters=characters)
        sink.write(text.encode("utf-8", "replace"))
        sink.flush()
    except UnreadableDocument as error:
        return error.failure
    except MemoryError:
        return Failure.OUT_OF_MEMORY
    except Exception:  # parsers of foreign bytes raise anything, and its text may quote the patient's
        return Failure.MALFORMED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer))
