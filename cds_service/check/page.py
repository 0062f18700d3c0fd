"""What was found, for people: one line a requirement, and how many of each."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from cds_service.check.quoting import plain
from cds_service.check.requirements import Failed, NotTried, Passed
from cds_service.check.run import Finding

_STYLES = {"passed": "green", "failed": "red", "advised": "yellow", "not tried": "dim"}


def word(finding: Finding) -> str:
    """``passed``, ``failed`` or ``not tried``."""
    return {Passed: "passed", Failed: "failed", NotTried: "not tried"}[type(finding.result)]


def why(finding: Finding) -> str:
    """The reason of a failure, why it was not tried, or what was seen; safe to be shown."""
    result = finding.result
    return plain(
        result.note if isinstance(result, Passed) else result.reason if isinstance(result, Failed) else result.why
    )


def summary(found: Sequence[Finding]) -> str:
    """How many of each."""
    words = [word(one) for one in found]
    shalls = sum(one.breaks for one in found)
    of_which = f" ({shalls} SHALL)" if "failed" in words else ""
    passed, failed, untried = (words.count(word) for word in ("passed", "failed", "not tried"))
    return f"{passed} passed, {failed} failed{of_which}, {untried} not tried"


def show(found: Sequence[Finding]) -> None:
    """Print them on standard output, in color where it is a terminal."""
    console = Console(highlight=False)
    for one in found:
        console.print(_line(one), soft_wrap=True)
    console.print(Text(summary(found), "bold"), soft_wrap=True)


def _line(finding: Finding) -> Text:
    requirement, said, reason = finding.requirement, word(finding), why(finding)
    style = _STYLES["advised" if said == "failed" and not finding.breaks else said]
    line = Text.assemble(
        (f"{said:9}", style), f" {requirement.number:>3} {requirement.strength:<13} {requirement.says}"
    )
    return line.append(f"  {reason}", style if said == "failed" else "dim") if reason else line


def as_objects(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """The same as a list of objects."""
    return [
        {"row": one.requirement.number, "strength": one.requirement.strength, "binding": one.requirement.binds,
         "requirement": one.requirement.says, "result": word(one), "why": why(one)}
        for one in found
    ]  # fmt: skip
