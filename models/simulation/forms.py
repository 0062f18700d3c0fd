"""How charts write what is measured: codes, units, rounding and times, from ``forms.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from fhir_mappings.codes import analyte_codes, analytes
from fhir_mappings.units import FEU_PER_DDU, conversion


@dataclass(frozen=True, eq=False)
class Form:
    """One way to chart an analyte: its code, its unit as shown and in UCUM, and the line from our unit to it."""

    analyte: str
    loinc: str
    unit: str
    ucum: str
    factor: float
    offset: float
    decimals: int

    def sent(self, value: float) -> float:
        """A value of our unit as the chart shows it; a whole number where no decimals are shown."""
        number = value * self.factor + self.offset
        return round(number, self.decimals) if self.decimals else round(number)

    def read(self, sent: float) -> float:
        """What the mappings make of the charted number, in the analyte's canonical unit."""
        factor, offset, dimer = self._line
        return (factor * float(sent) + offset) * dimer

    @cached_property
    def _line(self) -> tuple[float, float, float]:
        line = conversion(self.unit, self.ucum, analytes()[self.analyte])
        return line.factor, line.offset, FEU_PER_DDU if analyte_codes()[self.loinc].dimer == "DDU" else 1.0

    @cached_property
    def canonical(self) -> str:
        """The analyte's canonical unit."""
        return analytes()[self.analyte].unit

    @cached_property
    def plausible(self) -> tuple[float, float]:
        """The canonical values that the mappings use."""
        return analytes()[self.analyte].plausible


@cache
def form_table() -> Mapping[str, Any]:
    """All of ``forms.toml``."""
    return tomllib.loads((Path(__file__).parent / "forms.toml").read_text("utf-8"))


@cache
def lab_forms(kind: str) -> Mapping[str, Form]:
    """The form of each laboratory value in charts of that kind, "ours" or "other" units."""
    return {name: _lab_form(name, rows[kind]) for name, rows in form_table()["labs"].items()}


def _lab_form(analyte: str, row: list[Any]) -> Form:
    loinc, unit, ucum, factor, decimals = row
    return Form(analyte, loinc, unit, ucum, factor, 0.0, decimals)


@cache
def vital_forms(*, fahrenheit: bool) -> Mapping[str, Form]:
    """The form of each vital sign, in the order of ``forms.toml``."""
    rows = {name: (*row["form"][:3], 1.0, 0.0, row["form"][3]) for name, row in form_table()["vitals"].items()}
    if fahrenheit:
        rows["temperature"] = tuple(form_table()["fahrenheit"]["form"])
    return {name: Form(name, *row) for name, row in rows.items()}


@cache
def vital_spreads() -> tuple[float, ...]:
    """The SD of later readings of each vital sign, in the order of `vital_forms`."""
    return tuple(row["sd"] for row in form_table()["vitals"].values())
