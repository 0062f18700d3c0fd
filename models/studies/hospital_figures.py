"""What cohorts of a hospital's size tell: mean AUCs, gains on the others, and the share that reports recover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.evaluation.measure import Measured
from models.evaluation.rows import Scored
from models.studies.compared import Compared, less, over_cohorts, share, spread
from models.studies.oracle_rows import NAMES, Kind

Areas = Mapping[str, Measured]
"""AUC by method."""

Oracles = Mapping[Kind, Scored]
"""Answers by what the oracle sees."""


@dataclass(frozen=True)
class Cohorts:
    """The AUCs of methods trained on each of several cohorts, on one test set.

    ``overlap`` is the share of stays that two cohorts have in common, ``seed`` draws the cohorts again.
    """

    test: Compared
    areas: Sequence[Areas]
    overlap: float
    seed: int

    def gain(self, method: str, other: str) -> list[Measured]:
        """What a method gains on another, cohort by cohort."""
        return [less(one[method], one[other]) for one in self.areas]

    def mean(self, cohorts: Sequence[Measured]) -> Measured:
        """The mean over the cohorts."""
        return over_cohorts(cohorts, self.overlap, self.seed)

    def written(self, cohorts: Sequence[Measured]) -> dict[str, Any]:
        """The mean with its interval; ``sd`` is the standard deviation among cohorts."""
        return self.test.figure(self.mean(cohorts)) | {"sd": spread(cohorts)}


def figures(cohorts: Cohorts, oracles: Oracles, method: str, without_reports: str) -> dict[str, Any]:
    """All figures of one test set; the share by text is the mean gain over what the oracle gains from reports."""
    test, names = cohorts.test, list(cohorts.areas[0])
    areas = {kind: test.area(model) for kind, model in oracles.items()}
    whole, part = less(areas["observed"], areas["structured"]), cohorts.mean(cohorts.gain(method, without_reports))
    return {
        "test_set_sha256": test.sha256,
        "stays_in_common": cohorts.overlap,
        "auc": {name: cohorts.written([one[name] for one in cohorts.areas]) for name in names},
        "oracles": {NAMES[kind]: test.figure(area) for kind, area in areas.items()},
        "gains": {name: cohorts.written(cohorts.gain(method, name)) for name in names if name != method},
        "share_by_text": test.figure(share(part, whole)),
    }


def hospital_table(found: Mapping[str, Any]) -> str:
    """The comparison as Markdown: AUC by method, gains with their intervals, and the share by text."""
    return "\n".join([found["statement"], *(_table(*one) for one in found["by_phrasing"].items())]) + "\n"


def _table(phrasing: str, held: Mapping[str, Any]) -> str:
    gains = {name: _shown(one) for name, one in held["gains"].items()}
    lines = [f"\n{phrasing} phrases\n", "| method | AUC | SD among cohorts | the first less it (95 % interval) |"]
    lines += ["|---|---|---|---|"]
    lines += [
        f"| {name} | {one['value']:.3f} | {one['sd']:.3f} | {gains.get(name, '')} |"
        for name, one in held["auc"].items()
    ]
    lines += [f"| {name} | {one['value']:.3f} | | |" for name, one in held["oracles"].items()]
    return "\n".join([*lines, f"\nShare of O_obs - O_struct by text: {_shown(held['share_by_text'])}"])


def _shown(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"none: {figure['refused']}"
    return f"{figure['value']:+.3f} ({figure['low']:+.3f} to {figure['high']:+.3f})"
