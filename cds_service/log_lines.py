"""The log of a running service: one record is one line, whatever a caller put into it."""

import logging
import re
from typing import TextIO

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Ends of lines, signs that move a cursor or turn the direction of writing, and what no encoding can write."""


class OneLine(logging.Formatter):
    """Time, level, logger and message, a traceback too, with every sign that cannot be seen as JSON escapes it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, without its end."""
        return _UNSEEN.sub(_escaped, super().format(record))


def _escaped(sign: re.Match[str]) -> str:
    return r"\n" if sign[0] == "\n" else f"\\u{ord(sign[0]):04x}"


def lines_to(stream: TextIO | None = None) -> logging.Handler:
    """What writes records to a stream, standard error by default."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine())
    return handler


def start_log(level: str) -> None:
    """Log to standard error from this level on."""
    logging.basicConfig(level=level, handlers=[lines_to()])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
