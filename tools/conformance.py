"""Write docs/CONFORMANCE.md from a run of the conformance tests: ``python -m tools.conformance``.

The rows stand in ``tests/conformance/rows.toml``; which tests try a row, and what they found, comes
from the run alone. With ``--check`` nothing is written. The exit status is 1 where a row failed, or
with ``--check`` where the page differs.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools.markdown import code, section

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests/conformance"
PAGE = ROOT / "docs/CONFORMANCE.md"
COMMAND = "python -m tools.conformance"
PAGE_TEST = "tests/conformance/test_rows.py::test_the_page_says_what_this_run_found"

NONE_SENT = "none sent"
"""The name of a test's property: a row that held because none of the answers had anything that the row is about."""

Outcome = Literal["passed", "failed", "skipped"]

_HEAD = f"""# Conformance with CDS Hooks

What CDS Hooks asks of a service that offers `patient-view`, one numbered row a requirement, in our own words: rows 1 to
102 from version 2.0.1, rows 103 to 119 from the 3.0.0 ballot. This page is generated from a run of
`tests/conformance` by `{COMMAND}`, and a test compares them: change the tests, not the page.

*black-box* rows are tried over HTTP; *white-box* rows need the log, a setting or the clock too; *client* rows bind the
client, and a *note* is nothing that a test could find broken. Rows on answers are tried on the answers to all demo
patients, made with the shipped model; *none is sent* stands where none of them has what the row is about, so that
nothing could be wrong. What holds between two programs is no proof of use with patients."""


@dataclass(frozen=True)
class Row:
    """One requirement. ``why`` says why it is not tried as a black box."""

    number: int
    strength: str
    kind: Literal["black-box", "white-box", "client", "note"]
    says: str
    why: str = ""

    @property
    def is_tried(self) -> bool:
        """True where a test has to name it."""
        return self.kind in ("black-box", "white-box")


@dataclass(frozen=True)
class Tried:
    """One test: the rows that it names, what came of it (None: not run), and the rows that it saw nothing of."""

    name: str
    rows: tuple[int, ...]
    outcome: Outcome | None
    none_sent: tuple[int, ...] = ()


def table() -> Mapping[str, Any]:
    """The file of rows as it stands."""
    return tomllib.loads((FOLDER / "rows.toml").read_text("utf-8"))


def rows() -> tuple[Row, ...]:
    """Every row, in the order of the numbers."""
    return tuple(Row(**raw) for raw in table()["row"])


def page(tried: Sequence[Tried]) -> str:
    """The whole page, as a run found it."""
    parts = [_section(raw["title"], raw["rows"], tried) for raw in table()["section"]]
    return "\n\n".join((_HEAD, _summary(tried), *parts)) + "\n"


def _summary(tried: Sequence[Tried]) -> str:
    kinds = Counter[str](row.kind for row in rows())
    results = Counter(_result(row, tried) for row in rows() if row.is_tried)
    return f"{len(rows())} rows: {_counted(kinds)}. Of the {results.total()} that are tried: {_counted(results)}."


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _section(title: str, numbers: Sequence[int], tried: Sequence[Tried]) -> str:
    first, last = numbers
    names = ("row", "strength", "kind", "requirement", "tests, or why none", "result")
    cells = [_cells(row, tried) for row in rows() if first <= row.number <= last]
    return section(title, f"Rows {first} to {last}.", names, cells)


def _cells(row: Row, tried: Sequence[Tried]) -> tuple[Any, ...]:
    kind = f"{row.kind}: {row.why}" if row.is_tried and row.why else row.kind
    proof = _proof(_tests(row, tried)) if row.is_tried else row.why
    return (row.number, row.strength, kind, row.says, proof, _result(row, tried))


def _proof(tests: Sequence[Tried]) -> str:
    """The tests' names, each once, with how many cases it has."""
    cases = Counter(one.name.partition("[")[0] for one in tests)
    return "<br>".join(f"{code(name)}{f' ({count} cases)' if count > 1 else ''}" for name, count in cases.items())


def _tests(row: Row, tried: Sequence[Tried]) -> list[Tried]:
    return [one for one in tried if row.number in one.rows]


def _result(row: Row, tried: Sequence[Tried]) -> str:
    """``passed`` only where every test of the row did, and not without the words where none saw what it is about."""
    if not row.is_tried:
        return "-"
    tests = _tests(row, tried)
    outcomes = [one.outcome for one in tests]
    if not outcomes or None in outcomes:
        return "not tried"
    passed = "passed: none is sent" if all(row.number in one.none_sent for one in tests) else "passed"
    return next((outcome for outcome in ("failed", "skipped") if outcome in outcomes), passed)


def run() -> tuple[Tried, ...]:
    """What the conformance tests find now; all are run, but for the one that compares the page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes.json"
        words = f"-m pytest tests/conformance -q -p no:cacheprovider --deselect {PAGE_TEST} --outcomes".split()
        subprocess.run([sys.executable, *words, file], cwd=ROOT, check=False)  # noqa: S603 (our own words)
        found = json.loads(file.read_text("utf-8"))
    return tuple(Tried(raw["name"], tuple(raw["rows"]), raw["outcome"], tuple(raw["none_sent"])) for raw in found)


def main(arguments: Sequence[str]) -> int | str:
    """Run the tests and write the page, or with ``--check`` compare it; the exit status or its message."""
    tried = run()
    if "--check" in arguments:
        same = PAGE.exists() and PAGE.read_text("utf-8") == page(tried)
        return 0 if same else f"docs/{PAGE.name} differs from what the tests found: run {COMMAND}"
    PAGE.write_text(page(tried), "utf-8")
    failed = [str(row.number) for row in rows() if row.is_tried and not _result(row, tried).startswith("passed")]
    return f"rows that do not hold: {', '.join(failed)}" if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
