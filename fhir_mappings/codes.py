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
    """One LOINC code of an analyte; ``order`` 1 is preferred, ``dimer`` is FEU, DDU or unknown."""

    loinc: str
    analyte: str
    order: int
    specimen: str
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
    """One item of the NIH Stroke Scale: its LOINC code and its highest number of points."""

    name: str
    loinc: str
    most: int
    can_be_untestable: bool


@dataclass(frozen=True)
class NihssTable:
    """Codes, ranges and answers of the NIH Stroke Scale, from ``data/nihss.toml``."""

    total: str
    panel: str
    most: int
    items: Mapping[str, NihssItem]
    motor: tuple[str, ...]
    answers: Mapping[str, int]
    untestable: frozenset[str]
    ordinal_extensions: frozenset[str]
    not_a_baseline: Mapping[str, tuple[str, ...]]
    says_nothing: tuple[str, ...]


@cache
def nihss_table() -> NihssTable:
    """The NIH Stroke Scale's table."""
    data = table("nihss.toml")
    items = {
        row["name"]: NihssItem(row["name"], row["loinc"], row["most"], row.get("can_be_untestable", False))
        for row in data["item"]
    }
    return NihssTable(
        total=data["total"],
        panel=data["panel"],
        most=data["most"],
        items=items,
        motor=tuple(data["motor"]),
        answers=data["answers"],
        untestable=frozenset(data["untestable"]),
        ordinal_extensions=frozenset(data["ordinal_extensions"]),
        not_a_baseline={why: tuple(words) for why, words in data["not_a_baseline"].items()},
        says_nothing=tuple(data["says_nothing"]),
    )


def nihss_codes() -> tuple[str, ...]:
    """Total, panel and item codes of the NIH Stroke Scale."""
    scale = nihss_table()
    return (scale.total, scale.panel, *(item.loinc for item in scale.items.values()))
