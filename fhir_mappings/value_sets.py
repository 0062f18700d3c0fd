"""The value sets of diagnoses, procedures and drugs, from ``data/value_sets``."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from fhir_mappings.codes import table

SNOMED = "http://snomed.info/sct"
CPT = "http://www.ama-assn.org/go/cpt"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_ICD10 = ("http://hl7.org/fhir/sid/icd-10", "http://fhir.de/CodeSystem/bfarm/icd-10")
_ICD10_PCS = ("http://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-10-pcs")


@cache
def value_set(name: str) -> dict[str, dict[str, Any]]:
    """One value set file: kind -> its codes, words and source."""
    return table(f"value_sets/{name}.toml")


def diagnosis_of(codings: Iterable[tuple[str | None, str | None]]) -> str | None:
    """The kind of diagnosis that the first known coding names."""
    return _first(codings, "diagnoses", _in_diagnosis)


def procedure_of(codings: Iterable[tuple[str | None, str | None]]) -> str | None:
    """``thrombectomy``, ``thrombolysis`` or None."""
    return _first(codings, "procedures", _in_procedure)


def _first(codings: Iterable[tuple[str | None, str | None]], name: str, test: Any) -> str | None:
    for system, code in codings:
        for kind, row in value_set(name).items():
            if system and code and test(row, system, code):
                return kind
    return None


def _in_diagnosis(row: dict[str, Any], system: str, code: str) -> bool:
    if system == SNOMED:
        return code in row["snomed"]
    return system.startswith(_ICD10) and code.upper().replace(".", "").startswith(tuple(row["prefixes"]))


def _in_procedure(row: dict[str, Any], system: str, code: str) -> bool:
    if system in (SNOMED, CPT):
        return code in row["snomed" if system == SNOMED else "cpt"]
    return system in _ICD10_PCS and code.upper().startswith(tuple(row["icd10pcs"]))


def drug_of(texts: Iterable[str | None], rxnorm: Iterable[str | None] = ()) -> str | None:
    """The drug class that a drug's texts or RxNorm codes name."""
    said, codes = " ".join(text.lower() for text in texts if text), set(rxnorm)
    rows = value_set("drugs").items()
    return next(
        (kind for kind, row in rows if codes & set(row["rxnorm"]) or any(name in said for name in row["names"])), None
    )


def names_stroke(text: str) -> bool:
    """True where a free text names a stroke."""
    padded = f" {text.lower()} "
    return any(word in padded for word in value_set("diagnoses")["unspecific_stroke"]["words"])
