"""What the chart says of the time before arrival: onset and pre-stroke disability."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fhir_mappings.codes import LOINC, MRS_CODE, ONSET_CODE
from fhir_mappings.conditions import BEFORE_ARRIVAL
from fhir_mappings.observations import USED, codings_of, source_of
from fhir_mappings.snapshot import Diagnosis, Issue, Measurement, Stay
from fhir_mappings.windows import available_at, effective_of, instant

_SAYS_BEFORE = ("pre-stroke", "prestroke", "premorbid", "pre-morbid", "before stroke", "baseline")


def last_known_well_from(
    observations: Sequence[Any], diagnoses: Sequence[Diagnosis], stay: Stay | None, as_of: datetime
) -> datetime | None:
    """When the patient was last known well: the onset Observation charted last (LOINC 11368-8), else the
    stroke's onset.

    A moment after arrival, or a week before it, belongs to another event; a date without a time is
    none; what was charted after ``as_of`` is not seen.
    """
    if stay is None:
        return None
    onsets = [one for one in observations if _is(one, ONSET_CODE) and one.status in USED]
    dated = [(_charted(one), one.valueDateTime) for one in onsets if isinstance(one.valueDateTime, datetime)]
    charted = [value for at, value in sorted(dated, reverse=True) if at <= as_of]
    strokes = [one for one in diagnoses if one.kind == "ischemic_stroke" and one.in_stay]
    coded = [one.onset for one in strokes if one.available is None or one.available <= as_of]
    moments = [instant(value) for value in (*charted, *coded)]
    return next((one for one in moments if one and stay.t0 - BEFORE_ARRIVAL <= one <= stay.t0), None)


def _charted(observation: Any) -> datetime:
    """When an Observation stood in the chart; one that says no time always did."""
    return instant(observation.issued) or effective_of(observation) or datetime.min.replace(tzinfo=UTC)


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
    value = observation.valueQuantity.value if observation.valueQuantity else None
    # nobody writes out 1e999999999: int() would take hours over it, and abs() raises
    return int(value) if value is not None and -100 < value < 100 and value == int(value) else None


def _is_before(observation: Any, effective: datetime, stay: Stay | None) -> bool:
    texts = [observation.code.text, *(coding.display for coding in observation.code.coding or ())]
    said = " ".join(text.lower() for text in texts if text)
    return any(word in said for word in _SAYS_BEFORE) or bool(stay and effective < stay.t0)
