"""Atheris (libFuzzer) on what reads reports: ``python -m benchmarks.fuzz.decoders RUNS SEED KIND FOLDER``.

Its mutations follow the branches taken in our code, pypdf and striprtf. It begins with the files of
FOLDER and ends its process, so each kind has one. PDF and RTF are read here without the process that
confines them in the service: a parser's own exception is the worker's "damaged"; what counts is one
of our own reading that no caller expects, and whatever `text_of` raises but `UnreadableText`.
"""

import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_LINES = ("CT HEAD", "FINDINGS: No hemorrhage. ASPECTS 8.", "IMPRESSION: Occlusion of the left M1.")
_PAGE = "<html><body><h2>CT</h2><p>No&nbsp;hemorrhage.<br/><b>IMPRESSION:</b> <s>old</s> M1 &#233;</p></body></html>"
_KINDS = ("application/pdf", "application/rtf", "text/html", "text/plain", "")
"""The content types that a document is declared with."""

_SECONDS = 10
"""One document that takes longer is a fault; the service stops a worker after three."""
_MEBIBYTES = 1024
_RAISED = re.compile(r"Uncaught Python exception: ===\s+(\w+)")
_OURS = re.compile(r'fhir_mappings/text/(\w+\.py)", line (\d+)')
_ENDED = re.compile(r"libFuzzer: ([\w -]+)")


def seeds() -> dict[str, tuple[bytes, ...]]:
    """What is changed, by content type."""
    from tests.documents import pdf_of, rtf_of  # late: the process under trial has to import pypdf by itself

    return dict(
        zip(
            _KINDS,
            (
                (pdf_of(_LINES), pdf_of(_LINES, _LINES, compressed=False)),
                (rtf_of(*_LINES),),
                (_PAGE.encode(), _PAGE.encode("utf-16")),
                ("\n".join(_LINES).encode(), b"a\\.br\\b\\T\\c&#x41;\\r\\nd", "Größe".encode("cp1252")),
                (_PAGE.encode(), "\n".join(_LINES).encode("utf-16-le")),
            ),
            strict=True,
        )
    )


def fuzzed_decoders(runs: int, *, seeded: int) -> dict[str, Any]:
    """By content type: the branches reached, and what went wrong, as the kind of the exception and its line."""
    return {kind or "undeclared": _fuzzed(kind, held, runs, seeded) for kind, held in seeds().items()}


def _fuzzed(kind: str, held: Sequence[bytes], runs: int, seeded: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(held):
            (Path(folder) / str(number)).write_bytes(seed)
        command = [sys.executable, "-m", "benchmarks.fuzz.decoders", str(runs), str(seeded), kind, folder]
        ended = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own module
    log = ended.stderr.decode("utf-8", "replace")
    reached = re.findall(r"cov: (\d+)", log)
    return {
        "runs": int(next(iter(re.findall(r"Done (\d+) runs", log)), 0)),
        "branches": int(reached[-1]) if reached else 0,
        "failed": why(log) if ended.returncode else None,
    }


def why(log: str) -> str:
    """What stopped a run, without a word of what was read."""
    raised, ended = _RAISED.search(log), _ENDED.search(log)
    if raised:
        return " ".join([raised[1], *(":".join(line) for line in _OURS.findall(log)[-1:])])
    return ended[1] if ended else "ended early"


def _reader(kind: str) -> Callable[[bytes], None]:
    """What is tried: it raises where the service would be surprised."""
    from fhir_mappings.text.decode import text_of  # late, as below: atheris has to see the import
    from fhir_mappings.text.extract import LIMITS
    from fhir_mappings.text.unreadable import UnreadableText
    from fhir_mappings.text.worker import PDF, RTF, document_text

    def confined(data: bytes) -> None:
        try:
            document_text(kind, data, pages=LIMITS.pages, characters=LIMITS.characters)
        except (UnreadableText, MemoryError):
            pass
        except Exception as error:
            if is_ours(error):
                raise

    def decoded(data: bytes) -> None:
        with suppress(UnreadableText):
            text_of(kind, data)

    return confined if kind in (PDF, RTF) else decoded


def is_ours(error: Exception) -> bool:
    """True where the line that raised is in our code, not in a parser's."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and "fhir_mappings" in Path(place.tb_frame.f_code.co_filename).parts


def _main(runs: str, seeded: str, kind: str, folder: str) -> None:
    import atheris  # late: its wheels are for Linux on x86-64, and only this process needs it

    logging.disable()  # pypdf's complaints
    with atheris.instrument_imports(include=["fhir_mappings.text", "pypdf", "striprtf"]):
        read = _reader(kind)
        read(b"")  # imports the parser
    options = [f"-runs={runs}", f"-seed={seeded}", f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEBIBYTES}"]
    atheris.Setup([sys.argv[0], *options, "-max_len=20000", f"-artifact_prefix={folder}/", folder], read)
    atheris.Fuzz()


if __name__ == "__main__":
    _main(*sys.argv[1:])
