"""A study's summary as Markdown: what `endwatch study` prints when it is done."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

Areas = Mapping[str, Mapping[str, float | None]]
"""AUC by method and landmark."""


def world_table(summary: Mapping[str, Any]) -> str:
    """AUC by method and landmark, for each training size and wording; mean and SD where there are several sets."""
    return "\n".join([summary["statement"], *_sizes(summary)]) + "\n"


def _sizes(summary: Mapping[str, Any]) -> Iterator[str]:
    for size in summary["by_size"]:
        for phrasing, sets in size["auc"].items():
            several = f"{len(sets)} sets" if len(sets) > 1 else "1 set"
            yield f"\n{size['stays']} training stays ({several}), {phrasing} phrases: AUC\n"
            yield from _table([*sets], size["oracles"][phrasing])


def _table(sets: Sequence[Areas], oracles: Areas) -> Iterator[str]:
    hours = list(next(iter(oracles.values())))
    yield "| method | " + " | ".join("all rows" if hour == "all" else f"{hour} h" for hour in hours) + " |"
    yield "|---" * (len(hours) + 1) + "|"
    for method in sets[0]:
        yield _row(method, [_spread([one[method][hour] for one in sets]) for hour in hours])
    for oracle, areas in oracles.items():
        yield _row(oracle, [_spread([areas[hour]]) for hour in hours])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


def _spread(values: Sequence[float | None]) -> str:
    given = [value for value in values if value is not None]
    if not given:
        return "not given"
    return f"{fmean(given):.3f}" + (f" ({stdev(given):.3f})" if len(given) > 1 else "")


def protocol_table(found: Mapping[str, Any]) -> str:
    """The spread of the test AUC at the paper's size, by split and method."""
    head = (
        f"{found['statement']}\n\n{found['cohorts']} cohorts of {found['patients']}\n\n"
        "| split | method | SD | 95 % range about its own mean | training less test |\n|---|---|---|---|---|\n"
    )
    rows = (
        f"| {one['split']} | {one['method']} | {one['sd']:.3f} | {one['low']:+.3f} to {one['high']:+.3f} "
        f"| {one['train_test_gap']:+.3f} |\n"
        for one in found["spread"]
    )
    return head + "".join(rows)
