"""What is true of a chart, and what is wrong with an answer to a call in which something failed.

An answer may lack what could not be read, if it says so. It may hold nothing that the chart does not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from cds_service.cards.style import CardStyle
from cds_service.cards.wording import percent
from cds_service.demo.patients import prefetch_from
from fhir_mappings.chart import RawChart
from fhir_mappings.end_rule import motor_score
from fhir_mappings.features import FeatureSpec, FeatureTable, build_inputs
from fhir_mappings.inputs import Feature, ModelInputs
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.queries import CLINICAL, CORE
from fhir_mappings.snapshot import ClinicalSnapshot
from models.prediction import Prediction, Predicts
from tests.integration.asking import without_uuids

Json = dict[str, Any]
Value = tuple[float | None, datetime | None, str | None]
"""A feature's value, time and source."""

_NAMES = {query.name: query.key for query in (*CORE, *CLINICAL)} | {query.key: query.key for query in CLINICAL}
_NAME = f"(?:{'|'.join(map(re.escape, _NAMES))})"
_SAID = re.compile(rf"(?i)\b({_NAME}(?:, {_NAME})*)(?: unknown| partly unknown| may be incomplete)")
_ALSO = re.compile(rf"(?i)Also not all read: ({_NAME}(?:, {_NAME})*)\.")
_SCORE = re.compile(r"(\d+) \((\w+ \d\d:\d\d)\)")
_MORE = re.compile(r"And (\d+) more notes? on the data")
_FOLLOWED = re.compile(r", (?:an earlier encounter of this stay|a drug|an attachment|a result), was not read")


@dataclass(frozen=True)
class Chart:
    """A patient as a bundle under an id of our own, and the moment of the calls."""

    id: str
    bundle: Json
    as_of: datetime

    @cached_property
    def held(self) -> Mapping[str, tuple[Json, ...]]:
        """The resources by the query that finds them."""
        sent = prefetch_from(self.bundle)
        searches = {
            key: tuple(entry["resource"] for entry in one.get("entry", ()))
            for key, one in sent.items()
            if key != "patient"
        }
        return {"patient": (sent["patient"],), **searches}

    def without(self, *keys: str) -> ClinicalSnapshot:
        """What the mappings make of the chart where these queries could not be answered."""
        kept = {key: found for key, found in self.held.items() if key not in keys}
        return snapshot_from(RawChart(self.id, kept, frozenset(keys)), self.as_of)


@dataclass(frozen=True)
class Truth:
    """A chart and the cards of the call in which nothing failed."""

    chart: Chart
    cards: list[Json]
    table: FeatureTable

    @cached_property
    def whole(self) -> ClinicalSnapshot:
        """All that the chart tells."""
        return self.chart.without()

    @cached_property
    def inputs(self) -> ModelInputs | None:
        """The row of data; None without a stay."""
        return build_inputs(self.whole, self.table) if self.whole.stay else None

    @cached_property
    def lacking(self) -> Mapping[str, tuple[Value, ...]]:
        """The features without one query each, by its key."""
        snapshots = {key: self.chart.without(key) for key in self.chart.held}
        return {
            key: tuple(map(_value, build_inputs(found, self.table).features))
            for key, found in snapshots.items()
            if found.stay
        }

    def possible(self, place: int) -> set[Value]:
        """Every value that a feature can have from a part of this chart."""
        spec = self.table.specs[place]
        return {values[place] for values in self.lacking.values()} | set(_charted(spec, self.whole))


def _value(feature: Feature) -> Value:
    return feature.value, feature.effective, feature.source


def _charted(spec: FeatureSpec, whole: ClinicalSnapshot) -> Iterator[Value]:
    """The values of the series that a feature is picked from."""
    if spec.kind == "measurement":
        yield from ((one.value, one.effective, one.source) for one in whole.measurements if one.analyte == spec.of)
    for score in whole.nihss:
        if spec.kind in ("nihss_baseline", "nihss_latest") and score.total is not None:
            yield float(score.total), score.effective, score.source
        if spec.kind == "nihss_motor" and (motor := motor_score(score)) is not None:
            yield float(motor), score.effective, score.source
        if spec.kind == "nihss_change" and score.total is not None:
            yield from (
                (float(score.total - one.total), score.effective, score.source)
                for one in whole.nihss
                if one.total is not None and one.effective <= score.effective
            )


@dataclass(frozen=True)
class Said:
    """The queries that a card says something is missing of, and how many more notes it had no room for."""

    keys: frozenset[str]
    more: int = 0

    def tells(self, keys: set[str]) -> bool:
        """True where it says that one of these is not all there."""
        return bool(self.keys & keys)


def said_on(cards: list[Json]) -> Said:
    """What the cards of an answer say of their data."""
    detail = "\n".join(str(card.get("detail", "")) for card in cards).replace("\\", "")
    lists = [*_SAID.findall(detail), *_ALSO.findall(detail)]
    keys = {_NAMES[name.lower()] for names in lists for name in names.split(", ")}
    if "not read by the text model in time" in detail:
        keys.add("reports")
    if "after the moment of the call" in detail:
        keys |= {"nihss", "labs", "vitals", "reports"}
    if "Thrombectomy: unknown" in detail:
        keys.add("procedures")
    if _FOLLOWED.search(detail):
        keys.add("follow-ups")
    more = _MORE.search(detail)
    return Said(frozenset(keys), int(more[1]) if more else 0)


def wrongs(
    cards: list[Json],
    seen: ModelInputs | None,
    truth: Truth,
    model: Predicts,
    *,
    met: frozenset[str] = frozenset(),
) -> list[str]:
    """What is wrong with the cards of an answer; ``seen`` is what the model was asked, if it was.

    ``met``: queries that count as said where a card had no room for all its notes.
    """
    said, found = said_on(cards), list[str]()
    if said.more:
        said = replace(said, keys=said.keys | met)
    if truth.cards and not cards:
        return ["no card for a patient inside the population"]
    if without_uuids(cards) != without_uuids(truth.cards):
        found += [] if said.keys else ["differs from the truth and says of nothing that it is missing"]
        found += _wrong_scores(cards, truth.whole)
    if seen is not None and truth.inputs is not None:
        found += [*_wrong_values(seen, truth, said), *_wrong_text(seen, truth.inputs, said)]
        found += _wrong_number(cards, seen, model)
    return found


def _wrong_scores(cards: list[Json], whole: ClinicalSnapshot) -> Iterator[str]:
    """NIHSS totals with their times, as cards without a number list them, that the chart does not hold."""
    zone = whole.stay.t0.tzinfo if whole.stay else whole.as_of.tzinfo
    held = {(str(score.total), CardStyle().clock(score.effective, zone)) for score in whole.nihss}
    lines = [line for card in cards for line in card["detail"].splitlines() if line.startswith("- NIHSS ")]
    shown = {pair for line in lines for pair in _SCORE.findall(line)}
    yield from (f"NIHSS {total} ({when}) is not the chart's" for total, when in sorted(shown - held))


def _wrong_values(seen: ModelInputs, truth: Truth, said: Said) -> Iterator[str]:
    """Features that differ without a word, and features that no part of the chart gives."""
    true = tuple(map(_value, truth.inputs.features)) if truth.inputs else ()
    for place, feature in enumerate(seen.features):
        if _value(feature) == true[place]:
            continue
        decided_by = {key for key, values in truth.lacking.items() if values[place] != true[place]}
        if not said.tells(decided_by | {"follow-ups"}):
            yield f"{feature.name} differs, and nothing says that {', '.join(sorted(decided_by))} is not all there"
        if feature.observed and _value(feature) not in truth.possible(place):
            yield f"{feature.name} has a value that the chart does not hold"


def _wrong_text(seen: ModelInputs, true: ModelInputs, said: Said) -> Iterator[str]:
    if set(seen.sentences) - set(true.sentences):
        yield "a sentence that no report holds"
    if set(true.sentences) - set(seen.sentences) and not said.tells({"reports", "follow-ups"}):
        yield "report text is missing, and nothing says so"


def _wrong_number(cards: list[Json], seen: ModelInputs, model: Predicts) -> Iterator[str]:
    """The number on the card is the model's for what was there."""
    answer = model.predict(seen)
    hurried = any("not read by the text model in time" in card["detail"] for card in cards)
    if isinstance(answer, Prediction) and not hurried and f"END risk {percent(answer.risk)}" not in cards[0]["summary"]:
        yield "the number is not the model's for these inputs"
