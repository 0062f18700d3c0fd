"""What the chart says of the time before arrival: onset and pre-stroke disability."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fhir_mappings.codes import LOINC
from fhir_mappings.observations import USED, codings_of, source_of
from fhir_mappings.queries import MRS_CODE, ONSET_CODE
from fhir_mappings.snapshot import Diagnosis, Issue, Measurement, Stay
from fhir_mappings.windows import available_at, effective_of, instant

_SAYS_BEFORE = ("pre-stroke", "prestroke", "premorbid", "pre-morbid", "before stroke", "baseline")


def last_known_well_from(
    observations: Sequence[Any], diagnoses: Sequence[Diagnosis], stay: Stay | None
) -> datetime | None:
    """When the patient was last known well: an onset Observation (LOINC 11368-8), else the stroke's onset.

    A moment after arrival is not used: it belongs to another event.
    """
    if stay is None:
        return None
    charted = [instant(one.valueDateTime) for one in observations if _is(one, ONSET_CODE) and one.status in USED]
    coded = [one.onset for one in diagnoses if one.kind == "ischemic_stroke" and one.in_stay]
    moments = [moment for moment in (*charted, *coded) if moment and moment <= stay.t0]
    return moments[0] if moments else None


def pre_stroke_mrs_from(
    observations: Sequence[Any], stay: Stay | None, *, live: bool
) -> tuple[Measurement | None, tuple[Issue, ...]]:
    """The modified Rankin scale before the stroke: charted before arrival, or said to be pre-stroke."""
    for one in observations:
        effective, number = effective_of(one), _whole(one)
        if (
            not _is(one, MRS_CODE)
            or one.status not in USED
            or effective is None
            or not _is_before(one, effective, stay)
        ):
            continue
        source = source_of(one)
        if number is None or not 0 <= number <= 5:
            return None, (
                Issue("implausible", f"Pre-stroke mRS left out ({source}): not 0-5", source, "pre_stroke_mrs"),
            )
        available = available_at("labs", effective, instant(one.issued), live=live)
        return Measurement("pre_stroke_mrs", float(number), "1", effective, available, source, str(number)), ()
    return None, ()


def _is(observation: Any, code: str) -> bool:
    return (LOINC, code) in codings_of(observation.code)


def _whole(observation: Any) -> int | None:
    if observation.valueInteger is not None:
        return int(observation.valueInteger)
    quantity = observation.valueQuantity
    return int(quantity.value) if quantity and quantity.value is not None else None


def _is_before(observation: Any, effective: datetime, stay: Stay | None) -> bool:
    texts = [observation.code.text, *(coding.display for coding in observation.code.coding or ())]
    said = " ".join(text.lower() for text in texts if text)
    return any(word in said for word in _SAYS_BEFORE) or bool(stay and effective < stay.t0)
