"""The LOINC codes we read, with what they measure, from ``data/analytes.csv`` and ``data/units.toml``."""

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LOINC = "http://loinc.org"
DATA = files("fhir_mappings") / "data"

ONSET_CODE = "11368-8"
"""LOINC: illness or injury onset date and time."""

MRS_CODE = "75859-9"
"""LOINC: modified Rankin scale."""


@dataclass(frozen=True)
class Analyte:
    """What a measurement is of: canonical UCUM unit, how a card shows it, plausible range.

    ``per_mole`` is the molar mass in g/mol where substance concentrations are converted.
    """

    name: str
    label: str
    unit: str
    shown: str
    plausible: tuple[float, float]
    source: str
    per_mole: float | None = None
    may_lack_unit: bool = False


@dataclass(frozen=True)
class AnalyteCode:
    """One LOINC code of an analyte; ``order`` 1 is preferred, ``dimer`` is FEU, DDU or unknown.

    ``property`` is LOINC's kind of quantity (MCnc, SCnc, NCnc, MFr, SFr); None where our source names none.
    """

    loinc: str
    analyte: str
    order: int
    specimen: str
    property: str | None
    dimer: str | None
    source: str


def table(name: str) -> dict[str, Any]:
    """One TOML data file of this package."""
    return tomllib.loads((DATA / name).read_text("utf-8"))


@cache
def analytes() -> Mapping[str, Analyte]:
    """Every analyte by name."""
    rows = {name: row for name, row in table("units.toml").items() if name != "spellings"}
    return {
        name: Analyte(
            name=name,
            label=row["label"],
            unit=row["unit"],
            shown=row["shown"],
            plausible=(float(row["plausible"][0]), float(row["plausible"][1])),
            source=row["source"],
            per_mole=row.get("per_mole"),
            may_lack_unit=row.get("may_lack_unit", False),
        )
        for name, row in rows.items()
    }


@cache
def analyte_codes() -> Mapping[str, AnalyteCode]:
    """Every analyte code by LOINC code."""
    with (DATA / "analytes.csv").open(encoding="utf-8") as lines:
        rows = [
            AnalyteCode(
                row["loinc"],
                row["analyte"],
                int(row["order"]),
                row["specimen"],
                row["property"] or None,
                row["dimer"] or None,
                row["source"],
            )
            for row in csv.DictReader(lines)
        ]
    return {row.loinc: row for row in rows}


def analyte_for(codings: Iterable[tuple[str | None, str | None]]) -> AnalyteCode | None:
    """The analyte that the first known LOINC coding names; None where none is ours."""
    known = analyte_codes()
    return next((known[code] for system, code in codings if system == LOINC and code and code in known), None)


def loincs_for(names: Iterable[str]) -> tuple[str, ...]:
    """The LOINC codes of these analytes, preferred ones first."""
    wanted = set(names)
    rows = [row for row in analyte_codes().values() if row.analyte in wanted]
    return tuple(row.loinc for row in sorted(rows, key=lambda row: (row.order, row.loinc)))


VITALS = ("systolic_bp", "diastolic_bp", "heart_rate", "temperature", "spo2")


def lab_codes() -> tuple[str, ...]:
    """The LOINC codes of every laboratory analyte."""
    return loincs_for(name for name in analytes() if name not in VITALS)


@dataclass(frozen=True)
class NihssItem:
    """One item of the NIH Stroke Scale, or its total: LOINC code, highest number of points.

    ``answers`` holds the points of each LOINC answer code of the item.
    """

    name: str
    loinc: str
    most: int
    can_be_untestable: bool
    answers: Mapping[str, int]


@dataclass(frozen=True)
class NihssTable:
    """Codes, ranges, answers and words of the NIH Stroke Scale, from ``data/nihss.toml``.

    ``wholes`` are what holds a total by name: the total itself, and the panel with a value of its own.
    """

    total: str
    panel: str
    most: int
    items: Mapping[str, NihssItem]
    wholes: Mapping[str, NihssItem]
    motor: tuple[str, ...]
    untestable: frozenset[str]
    untestable_words: tuple[str, ...]
    ordinal_extensions: frozenset[str]
    not_a_baseline: Mapping[str, tuple[str, ...]]
    says_nothing: tuple[str, ...]
    remark_words: tuple[str, ...]

    @property
    def answers(self) -> Mapping[str, int]:
        """Points of every answer code, whichever its item."""
        return {code: points for item in self.items.values() for code, points in item.answers.items()}


@cache
def nihss_table() -> NihssTable:
    """The NIH Stroke Scale's table."""
    data = table("nihss.toml")
    wholes = (("total", data["total"]), ("panel value", data["panel"]))
    return NihssTable(
        total=data["total"],
        panel=data["panel"],
        most=data["most"],
        items={row["name"]: _nihss_item(row) for row in data["item"]},
        wholes={name: NihssItem(name, loinc, data["most"], True, {}) for name, loinc in wholes},
        motor=tuple(data["motor"]),
        untestable=frozenset(data["untestable"]),
        untestable_words=tuple(data["untestable_words"]),
        ordinal_extensions=frozenset(data["ordinal_extensions"]),
        not_a_baseline={why: tuple(words) for why, words in data["not_a_baseline"].items()},
        says_nothing=tuple(data["says_nothing"]),
        remark_words=tuple(data["remark_words"]),
    )


def _nihss_item(row: Mapping[str, Any]) -> NihssItem:
    answers = {code: points for points, code in enumerate(row["answers"])}
    return NihssItem(row["name"], row["loinc"], row["most"], row.get("can_be_untestable", False), answers)


def nihss_codes() -> tuple[str, ...]:
    """Total, panel and item codes of the NIH Stroke Scale."""
    scale = nihss_table()
    return (scale.total, scale.panel, *(item.loinc for item in scale.items.values()))
