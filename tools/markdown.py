"""Sections and tables of GitHub's Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any


def section(title: str, lead: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A heading, its lead sentences on one line, and a table."""
    return f"## {title}\n\n{lead}\n\n{markdown_table(names, rows)}"


def markdown_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with these columns; a ``|`` in a cell is escaped."""
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"


def coded(texts: Iterable[str]) -> str:
    """The texts as code, comma-separated."""
    return ", ".join(map(code, texts))
