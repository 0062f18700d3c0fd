"""A site's own codes, from FHIR ConceptMaps: what each one means in a code system that we read.

A translated coding is added beside the local one, so that every mapper reads it and the chart's own
coding stays. A map that is wrong stops the start: `LocalCodeError` names file and line.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fhir_mappings.codes import LOINC, MRS_CODE, ONSET_CODE, VITALS, analyte_codes, nihss_codes, nihss_table
from fhir_mappings.snapshot import Raw
from fhir_mappings.value_sets import Coding, decision_of, diagnosis_of, drug_of, procedure_of

NO_SYSTEM = "urn:endwatch:no-system"
"""Stands as a group's ``source`` for codes that a site sends without any system."""

_MEANS_THE_SAME = frozenset({"equal", "equivalent", "wider", "subsumes"})
"""R4 equivalences by which a source may be read as its target; ``wider``: the target says less."""
_NO_TRANSLATION = frozenset({"unmatched", "disjoint"})
_NOT_THE_SAME = frozenset({"relatedto", "specializes", "inexact", "narrower"})
_DEEPEST = 40


class LocalCodeError(ValueError):
    """A ConceptMap cannot be used; names the file, the line and the fault."""


@dataclass(frozen=True)
class LocalCode:
    """One code of a site and what it means; ``where`` is ``file:line``."""

    system: str
    code: str
    display: str
    target_system: str
    target_code: str
    where: str


@dataclass(frozen=True)
class LocalCodes:
    """A site's own codes by (system, code)."""

    rows: Mapping[tuple[str, str], LocalCode] = field(default_factory=dict)

    def searched(self, group: str) -> tuple[str, ...]:
        """The ``system|code`` tokens of a query group (``nihss``, ``labs``, ``vitals``), sorted."""
        return tuple(sorted(_token(row) for row in self.rows.values() if group_of(row) == group))


def group_of(row: LocalCode) -> str | None:
    """Which search by code has to name this code; None where a search brings it whatever its code."""
    if decision_of([(row.target_system, row.target_code)]):
        return "labs"  # a decision may be charted as an Observation
    if row.target_system != LOINC or row.target_code in _answers():
        return None
    if row.target_code in nihss_codes():
        return "nihss"
    known = analyte_codes().get(row.target_code)
    return "vitals" if known and known.analyte in VITALS else "labs"


def _token(row: LocalCode) -> str:
    return f"{'' if row.system == NO_SYSTEM else row.system}|{row.code}"


def _answers() -> frozenset[str]:
    return frozenset(nihss_table().answers) | nihss_table().untestable


def load_local_codes(folder: Path) -> LocalCodes:
    """Every ConceptMap (``*.json``) of a folder. Raises `LocalCodeError`."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise LocalCodeError(f"{folder} holds no ConceptMap (*.json)")
    rows: dict[tuple[str, str], LocalCode] = {}
    for path in paths:
        for row in _rows(path):
            before = rows.setdefault((row.system, row.code), row)
            if (before.target_system, before.target_code) != (row.target_system, row.target_code):
                raise LocalCodeError(f"{row.where}: code {row.code} means something else at {before.where}")
    return LocalCodes(rows)


@dataclass(frozen=True)
class _Map:
    """One file while it is checked: `fault` tells the line of a place within it."""

    path: Path
    text: str

    @cached_property
    def _root(self) -> Any:
        """JSON is YAML but for tabs, and YAML's nodes know their lines."""
        import yaml  # only a site with its own codes needs it

        return yaml.compose(self.text.replace("\t", " "), Loader=yaml.CSafeLoader)

    def line(self, *place: str | int) -> int:
        """The line on which a member or an element stands; the nearest parent's where it is absent."""
        node = self._root
        for step in place:
            child = _child(node, step)
            if child is None:
                break
            node = child
        return int(node.start_mark.line) + 1

    def fault(self, what: str, *place: str | int) -> LocalCodeError:
        """The error that names file, line and fault."""
        return LocalCodeError(f"{self.path.name}:{self.line(*place)}: {what}")


def _child(node: Any, step: str | int) -> Any:
    """A YAML node's member or element; None where it has none."""
    if isinstance(step, int):
        return node.value[step] if node.id == "sequence" and step < len(node.value) else None
    return next((value for key, value in node.value if key.value == step), None) if node.id == "mapping" else None


def _rows(path: Path) -> Iterator[LocalCode]:
    text = _read(path)
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise LocalCodeError(f"{path.name}:{getattr(error, 'lineno', 1)}: not JSON") from None
    map_ = _Map(path, text)
    if not isinstance(raw, dict) or raw.get("resourceType") != "ConceptMap":
        raise map_.fault("not a ConceptMap")
    for place, group in _members(map_, raw, "group"):
        source, target = (_text(map_, group, name, *place) for name in ("source", "target"))
        for where, element in _members(map_, group, "element", *place):
            yield from _element(map_, element, source, target, where)


def _read(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LocalCodeError(f"{path.name}:{line}: not UTF-8") from None


def _members(
    map_: _Map, raw: Mapping[str, Any], name: str, *place: str | int
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Place and value of each object in a list member that has to be there."""
    held = raw.get(name)
    if not isinstance(held, list) or not held:
        raise map_.fault(f"{name} is missing or empty", *place, name)
    for number, one in enumerate(held):
        if not isinstance(one, dict):
            raise map_.fault(f"{name} {number + 1} is no object", *place, name, number)
        yield (*place, name, number), one


def _text(map_: _Map, raw: Mapping[str, Any], name: str, *place: str | int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise map_.fault(f"{name} has to be a text without blanks around it", *place, name)
    return value


def _element(
    map_: _Map, element: Mapping[str, Any], source: str, target: str, place: tuple[str | int, ...]
) -> Iterator[LocalCode]:
    code = _text(map_, element, "code", *place)
    if _is_read(source, code):
        raise map_.fault(f"{source}|{code} is read as it is", *place, "code")
    for where, one in _members(map_, element, "target", *place):
        equivalence = one.get("equivalence")
        if equivalence in _NO_TRANSLATION:
            continue
        if equivalence in _NOT_THE_SAME:
            raise map_.fault(f"{code}: {equivalence} does not say that both mean the same", *where, "equivalence")
        if equivalence not in _MEANS_THE_SAME:
            raise map_.fault(f"{code}: equivalence is missing or not of FHIR R4", *where, "equivalence")
        meant = _text(map_, one, "code", *where)
        if not _is_read(target, meant):
            raise map_.fault(f"{code}: {target}|{meant} is no code that endwatch reads", *where, "code")
        display = str(element.get("display") or "")[:120]
        yield LocalCode(source, code, display, target, meant, f"{map_.path.name}:{map_.line(*where, 'code')}")


def _is_read(system: str, code: str) -> bool:
    """True where a mapper knows what the target means."""
    if system == LOINC:
        return code in (*analyte_codes(), *nihss_codes(), *_answers(), ONSET_CODE, MRS_CODE)
    return any(known([(system, code)]) for known in _KNOWN)


_KNOWN: Sequence[Callable[[Sequence[Coding]], str | None]] = (
    diagnosis_of,
    procedure_of,
    decision_of,
    drug_of,
)


def translated(raw: Raw, local: LocalCodes) -> Raw:
    """The resource with what its local codes mean added; the same object where there is none.

    A QuestionnaireResponse's ``linkId`` counts as a code of the questionnaire's canonical URL.
    """
    if not local.rows:
        return raw
    form = str(raw.get("questionnaire") or "").split("|")[0] or None
    return _walked(raw, local, form, 0)  # type: ignore[no-any-return]  # a mapping stays one


def _walked(node: Any, local: LocalCodes, form: str | None, depth: int) -> Any:
    if depth > _DEEPEST:
        return node
    if isinstance(node, list):
        return [_walked(one, local, form, depth + 1) for one in node]
    if not isinstance(node, dict):
        return node
    new = {name: _walked(value, local, form, depth + 1) for name, value in node.items()}
    if isinstance(new.get("coding"), list):
        new["coding"] = _with_meanings(new["coding"], local)
    link = new.get("linkId")
    if form and isinstance(link, str) and (row := local.rows.get((form, link))):
        new["linkId"] = row.target_code
    return new


def _with_meanings(codings: list[Any], local: LocalCodes) -> list[Any]:
    meant = [
        {"system": row.target_system, "code": row.target_code}
        for coding in codings
        if isinstance(coding, dict) and (row := _row(coding, local))
    ]
    return [*codings, *(one for one in meant if one not in codings)]


def _row(coding: Mapping[str, Any], local: LocalCodes) -> LocalCode | None:
    system, code = coding.get("system"), coding.get("code")
    if not isinstance(code, str) or not isinstance(system, str | None):
        return None
    return local.rows.get((system or NO_SYSTEM, code.strip()))
