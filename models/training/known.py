"""What was known of a stay at a moment of its past, and the check that nothing later slipped in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from fhir_mappings.chart import RawChart, raws_of
from fhir_mappings.codes import ONSET_CODE
from fhir_mappings.inputs import ModelInputs
from fhir_mappings.pipeline import History, seen_at, snapshot_from
from fhir_mappings.site import Site
from fhir_mappings.snapshot import ClinicalSnapshot
from fhir_mappings.versions import has_versions
from fhir_mappings.windows import instant
from models.training.cohort import CohortError

At = Callable[[datetime], ClinicalSnapshot]
"""What was known of a stay at a moment."""

_ALWAYS = datetime.min.replace(tzinfo=UTC)


def known_at(chart: RawChart, history: History, site: Site) -> At:
    """The snapshots of a mapped chart; mapped anew only where a cut by time does not tell what was known.

    That is so where something stands there in several versions, and before the time last known
    well, which a history holds as its end tells it, was charted.
    """
    versions, onset = has_versions(raws_of(chart)), _onset_charted(chart, history)

    def at(moment: datetime) -> ClinicalSnapshot:
        if versions or moment < onset:
            return snapshot_from(chart, moment, live=False, site=site)
        return seen_at(history, moment)

    return at


def _onset_charted(chart: RawChart, history: History) -> datetime:
    """When the last thing that tells the time last known well was charted."""
    if history.last_known_well is None:
        return _ALWAYS
    strokes = (one.available for one in history.diagnoses if one.kind == "ischemic_stroke")
    observed = (_charted(raw) for raw in raws_of(chart) if _is_onset(raw))
    return max(filter(None, (*strokes, *observed)), default=_ALWAYS)


def _is_onset(raw: Any) -> bool:
    concept = raw.get("code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    listed = codings if isinstance(codings, list) else ()
    return any(isinstance(coding, dict) and coding.get("code") == ONSET_CODE for coding in listed)


def _charted(raw: Any) -> datetime | None:
    return instant(raw.get("issued")) or instant(raw.get("effectiveDateTime"))


def refuse_future(inputs: ModelInputs, snapshot: ClinicalSnapshot) -> None:
    """Nothing, where all that the inputs use was available by ``as_of``; else `CohortError` with its name."""
    late = {source for source, available in _availabilities(snapshot) if available and available > inputs.as_of}
    for feature in inputs.features:
        dated = feature.effective is not None and feature.effective > inputs.as_of
        if feature.observed and (dated or feature.source in late):
            raise CohortError(f"{feature.name} ({feature.source}) was known only after as_of")
    for sentence in inputs.sentences:
        if sentence.effective > inputs.as_of or sentence.report in late:
            raise CohortError(f"a report ({sentence.report}) was known only after as_of")


def _availabilities(snapshot: ClinicalSnapshot) -> Iterator[tuple[str, datetime | None]]:
    groups = (snapshot.measurements, snapshot.nihss, snapshot.reports, snapshot.diagnoses, snapshot.treatments)
    for group in groups:
        yield from ((one.source, one.available) for one in group)
    if snapshot.pre_stroke_mrs:
        yield snapshot.pre_stroke_mrs.source, snapshot.pre_stroke_mrs.available
