"""Values in the analyte's canonical unit, by UCUM.

What people type is looked up in ``data/units.toml`` first, because the library reads ``K/uL`` as
kelvins; FEU and DDU are read before the library sees the text, because it drops annotations.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from math import isfinite
from typing import Any

from fhir_mappings.codes import Analyte
from fhir_mappings.typed_units import LONGEST, listed, ucum_of

FEU_PER_DDU = 2.0
"""One D-dimer unit is two fibrinogen-equivalent units (<= 250 ng/mL DDU = <= 0.50 ug/mL FEU)."""

_NGSP_SLOPE, _NGSP_OFFSET = 0.09148, 2.152
"""HbA1c: NGSP % = 0.09148 x IFCC mmol/mol + 2.152 (NGSP master equation)."""

_DIMER = re.compile(r"(feu|ddu|fibrinogen[ -]equivalent|d-dimer units?)(?![a-z])", re.IGNORECASE)
_RATIOS = frozenset({"1", "%"})
"""Canonical units that any ratio would fit: an INR in percent is another test, HbA1c in mol/mol another scale."""
_LONG_NUMBER = re.compile(r"[0-9]{4}")
"""No unit's exponent or factor is that long; the library would work out 10 to any power, for hours."""
_PARTING, _MOST_PARTINGS = re.compile(r"[./(]"), 4
"""What parts a unit's factors, and how often: "ug/kg/min" has two (assumption)."""

MOST_UNLISTED = 64
"""Units of one chart that ``data/units.toml`` does not list, each for its analyte. Each takes the library
milliseconds; a hospital that lists nothing has two for an analyte, a code and a text (assumption)."""


class UnitError(ValueError):
    """The unit is missing, unknown, contradictory or does not fit the analyte; says which."""


@dataclass(frozen=True)
class Conversion:
    """One straight line: canonical = ``factor`` x value + ``offset``. ``molar``: the unit counts moles."""

    factor: float = 1.0
    offset: float = 0.0
    molar: bool = False

    def to(self, value: float) -> float:
        """A value of this unit in the canonical one."""
        return self.factor * value + self.offset

    def back(self, canonical: float) -> float:
        """A canonical value in this unit."""
        return (canonical - self.offset) / self.factor


def dimer_kind(*texts: str | None) -> str | None:
    """``FEU`` or ``DDU`` as these texts say; None where none does.

    Raises `UnitError` where they say both.
    """
    said = {match.lower() for text in texts if text for match in _DIMER.findall(text)}
    kinds = {"DDU" if word.startswith("d") else "FEU" for word in said}
    if len(kinds) > 1:
        raise UnitError("says both FEU and DDU")
    return next(iter(kinds), None)


def to_canonical(value: float, unit_text: str | None, ucum_code: str | None, analyte: Analyte) -> float:
    """The value in ``analyte.unit``. Raises `UnitError` naming what is wrong with the unit.

    D-dimer is taken as FEU here: the factor for DDU belongs to whoever knows the code
    (`dimer_kind`, `FEU_PER_DDU`).
    """
    return conversion(unit_text or None, ucum_code or None, analyte).to(value)


def from_canonical(value: float, unit: str, analyte: Analyte) -> float:
    """A value of ``analyte.unit`` in another unit. Raises `UnitError`, and takes D-dimer as FEU, as `to_canonical`."""
    return conversion(unit, None, analyte).back(value)


class ChartUnits:
    """The units of one chart: all that are listed, and of the others no more than ``most``."""

    def __init__(self, most: int = MOST_UNLISTED) -> None:
        self._most, self._met = most, set[tuple[str, str]]()

    def conversion(self, unit_text: str | None, ucum_code: str | None, analyte: Analyte) -> Conversion:
        """As `conversion`. Raises `UnitError`, too, where the chart has had its share of units.

        It counts what was met in other charts, so that a chart is read the same at all times.
        """
        for text in _given(unit_text, ucum_code):
            if (text, analyte.name) not in self._met and _takes_long(text, analyte):
                if len(self._met) >= self._most:
                    raise UnitError(f"unit {_short(text)} is one of more than {self._most} that are not listed")
                self._met.add((text, analyte.name))
        return conversion(unit_text, ucum_code, analyte)


def conversion(unit_text: str | None, ucum_code: str | None, analyte: Analyte) -> Conversion:
    """What takes a value in this unit to the canonical one and back.

    Raises `UnitError` where code and text mean different units, too, and where one of them is a unit
    of something else.
    """
    given = _given(unit_text, ucum_code)
    if not given:
        if analyte.may_lack_unit:
            return Conversion()
        raise UnitError("no unit")
    known = [found for text in given if (found := _conversion_of(text, analyte)) is not None]
    if not known:
        raise UnitError(f"unit {_short(given[0])} not known for {analyte.label}")
    if len(known) > 1 and abs(known[0].to(10.0) - known[1].to(10.0)) > 1e-6 * abs(known[0].to(10.0)):
        raise UnitError(f"unit {_short(given[1])} contradicts its code {_short(given[0])}")
    return known[0]


def _given(unit_text: str | None, ucum_code: str | None) -> list[str]:
    return [text for text in (ucum_code, unit_text) if text and text.strip()]


def _short(text: str) -> str:
    """A unit as sent, short enough for a card."""
    return f'"{text.strip()[:20]}"'


def _conversion_of(text: str, analyte: Analyte) -> Conversion | None:
    """How one unit text converts; None where it is no unit.

    Raises `UnitError` where it is a unit of something else.
    """
    if len(text) > LONGEST:
        return None  # before anything is kept: a text may have megabytes
    found = _worked_out(text, analyte)
    if found is _MISFIT:
        raise UnitError(f"unit {_short(text)} does not fit {analyte.label}")
    return found


_MISFIT = Conversion(0.0)
"""Stands for a unit of something else where answers are kept: an exception would be worked out anew each time."""


@lru_cache(maxsize=4096)
def _worked_out(text: str, analyte: Analyte) -> Conversion | None:
    """How a unit text converts, `_MISFIT` where it is a unit of something else, None where it is no unit."""
    ucum = ucum_of(text)
    if ucum == analyte.unit:
        return Conversion()
    if analyte.name == "hba1c" and ucum == "mmol/mol":
        return Conversion(_NGSP_SLOPE, _NGSP_OFFSET, molar=True)
    if analyte.unit in _RATIOS:
        return _MISFIT
    unit = _parsed(ucum) if _is_simple(ucum) else None
    return None if unit is None else _between(unit, analyte)


def _takes_long(text: str, analyte: Analyte) -> bool:
    """True where the library has to be asked for a unit of which there may be any number."""
    if len(text) > LONGEST or analyte.unit in _RATIOS:
        return False
    ucum = ucum_of(text)
    return ucum not in listed() and _is_simple(ucum)


def _is_simple(ucum: str) -> bool:
    """True where a unit is none that only costs time: see `_LONG_NUMBER` and `_PARTING`."""
    return not _LONG_NUMBER.search(ucum) and len(_PARTING.findall(ucum)) <= _MOST_PARTINGS


@cache
def _registry() -> Any:
    """The UCUM registry; takes about a second, so only when a unit is not known by its spelling."""
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@lru_cache(maxsize=1024)
def _parsed(ucum: str) -> Any:
    """One of the library's unit, with its number ("mg/(100.mL)" has 0.01); None where the text is no UCUM unit."""
    try:
        found = _registry().from_ucum(ucum)
    except Exception:  # the parser, its grammar and the registry each raise their own kind
        return None
    return found if hasattr(found, "units") else None  # a number alone stays one


def _between(unit: Any, analyte: Analyte) -> Conversion:
    """The linear conversion from a unit, found by asking the library for two points of it; else `_MISFIT`."""
    from pint.errors import PintError

    registry = _registry()
    molar = "[substance]" in unit.dimensionality

    def converted(value: float) -> float:
        sent = registry.Quantity(value * unit.magnitude, unit.units)
        if molar and analyte.per_mole:
            sent = sent * registry.Quantity(analyte.per_mole, "g/mol")
        return float(sent.to(target).magnitude)

    try:
        target = registry.from_ucum(analyte.unit).units
        zero, hundred = converted(0.0), converted(100.0)
        found = Conversion((hundred - zero) / 100.0, zero, molar)
    except (PintError, ArithmeticError):
        return _MISFIT
    usable = found.factor != 0 and isfinite(found.factor) and isfinite(found.offset)
    return found if usable else _MISFIT


def warm_up() -> None:
    """Build the UCUM registry now (about a second), so that the first call does not wait for it."""
    _registry()
