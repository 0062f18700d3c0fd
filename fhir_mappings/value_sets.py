"""The value sets of diagnoses, procedures, drugs and imaging, from ``data/value_sets``."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from fhir_mappings.codes import table

SNOMED = "http://snomed.info/sct"
CPT = "http://www.ama-assn.org/go/cpt"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
_ICD10 = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://fhir.de/CodeSystem/bfarm/icd-10",
    "http://fhir.de/CodeSystem/dimdi/icd-10",
)
_ICD10_PCS = ("http://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-10-pcs")

DECISION = "urn:endwatch:decision"
"""A system of our own, which a site's ConceptMap may target: decisions that no published code says."""
_DECISIONS = {"thrombectomy-declined": "thrombectomy"}

Coding = tuple[str | None, str | None]
"""(system, code)."""

_Row = dict[str, Any]


@cache
def value_set(name: str) -> dict[str, _Row]:
    """One value set file: kind -> its codes, words and source."""
    return table(f"value_sets/{name}.toml")


def diagnosis_of(codings: Iterable[Coding]) -> str | None:
    """The kind of diagnosis that the codings name, a specific one before an unspecific stroke.

    Charts often code one stroke twice, as ICD-10 I63.9 and as SNOMED CT "cerebrovascular accident".
    """
    kinds = list(_kinds(codings, "diagnoses", _in_diagnosis))
    return next((kind for kind in kinds if kind != "unspecific_stroke"), kinds[0] if kinds else None)


def procedure_of(codings: Iterable[Coding]) -> str | None:
    """``thrombectomy``, ``thrombolysis`` or None."""
    return next(_kinds(codings, "procedures", _in_procedure), None)


def decision_of(codings: Iterable[Coding]) -> str | None:
    """The procedure that was decided against, by a site's own code (`DECISION`); None where none was."""
    return next((_DECISIONS[code] for system, code in codings if system == DECISION and code in _DECISIONS), None)


def _kinds(codings: Iterable[Coding], name: str, test: Callable[[_Row, str, str], bool]) -> Iterator[str]:
    for system, code in codings:
        for kind, row in value_set(name).items():
            if system and code and test(row, system, code):
                yield kind


def _in_diagnosis(row: _Row, system: str, code: str) -> bool:
    if system == SNOMED:
        return code in row["snomed"]
    return system.startswith(_ICD10) and code.upper().replace(".", "").startswith(tuple(row["prefixes"]))


def _in_procedure(row: _Row, system: str, code: str) -> bool:
    if system in (SNOMED, CPT):
        return code in row["snomed" if system == SNOMED else "cpt"]
    return system in _ICD10_PCS and code.upper().startswith(tuple(row["icd10pcs"]))


def drug_of(codings: Iterable[Coding]) -> str | None:
    """The drug class that RxNorm ingredients, SNOMED CT substances or ATC codes name."""
    return next(_kinds(codings, "drugs", _in_drug), None)


def _in_drug(row: _Row, system: str, code: str) -> bool:
    if system in (RXNORM, SNOMED):
        return code in row.get("rxnorm" if system == RXNORM else "snomed", ())
    return system == ATC and code.upper().startswith(tuple(row["atc"]))


def names_stroke(text: str) -> bool:
    """True where a free text names a stroke that is neither past nor somebody else's."""
    return stroke_named_in(text) == "unspecific_stroke"


def stroke_named_in(text: str) -> str | None:
    """``unspecific_stroke``, ``stroke_history`` or None, by the words of a free text."""
    rows = value_set("diagnoses")
    said = _without(text.lower(), rows["unspecific_stroke"]["not_words"])
    now = _without(said, rows["stroke_history"]["words"])
    if _stroke_words().search(now):
        return "unspecific_stroke"
    return "stroke_history" if now != said else None


def _without(text: str, phrases: Iterable[str]) -> str:
    for phrase in phrases:
        text = text.replace(phrase, " ")
    return text


@cache
def _stroke_words() -> re.Pattern[str]:
    words = "|".join(map(re.escape, value_set("diagnoses")["unspecific_stroke"]["words"]))
    return re.compile(rf"\b(?:{words})(?:s|ion|ions)?\b")


def is_imaging(categories: Iterable[str], codings: Iterable[Coding], title: str) -> bool | None:
    """True or False by a report's category, else True by its code or title; None where nothing says."""
    given, imaging = set(categories), value_set("imaging")["imaging"]
    if given & set(imaging["categories"]):
        return True
    if given & set(value_set("imaging")["other"]["categories"]):
        return False
    coded = any(system == "http://loinc.org" and code in imaging["loinc"] for system, code in codings)
    return True if coded or _imaging_words().search(title.lower()) else None


@cache
def _imaging_words() -> re.Pattern[str]:
    words = "|".join(map(re.escape, value_set("imaging")["imaging"]["words"]))
    return re.compile(rf"\b(?:{words})\b")
