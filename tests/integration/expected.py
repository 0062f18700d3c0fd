"""What differs, and is known to: the rows of differences.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.integration.asking import without_uuids

FILE = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Difference:
    """One known difference; ``says`` stands on the card that has it. Without a card there is none of ``any`` chart."""

    server: str
    chart: str
    asked: str
    says: str
    why: str


@cache
def differences() -> tuple[Difference, ...]:
    """Every row."""
    return tuple(Difference(**row) for row in tomllib.loads(FILE.read_text("utf-8"))["difference"])


def demand_same(server: str, chart: str, asked: str, whole: Any, found: Any) -> None:
    """The two answers are the same but for uuids, or differ as a row says."""
    rows = [one for one in differences() if _fits(one, server, chart, asked) and (whole["cards"] or one.chart != "any")]
    row = min(rows, key=lambda one: one.chart == "any", default=None)
    if row is None:
        assert without_uuids(whole) == without_uuids(found)
    else:
        assert without_uuids(whole) != without_uuids(found), f"this difference is gone: {row.why}"
        assert row.says in "\n".join(card["detail"] for card in found["cards"])


def _fits(row: Difference, server: str, chart: str, asked: str) -> bool:
    return row.server in (server, "any") and row.chart in (chart, "any") and row.asked == asked
