"""From a cohort's charts to rows of data, through the very functions that serve a call."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from fhir_mappings.chart import RawChart
from fhir_mappings.eligibility import judge
from fhir_mappings.features import FeatureTable, build_inputs
from fhir_mappings.inputs import ModelInputs, Sentence
from fhir_mappings.pipeline import replayed
from fhir_mappings.site import DEFAULT_SITE, Site
from models.design import Design, numbers_of
from models.encode import Encodes, legible
from models.net import EDGES_H
from models.training.cohort import read_charts
from models.training.labels import Outcome, label_chart, landmarks
from models.training.table import Table, TableRow, Target, table_of

Progress = Callable[[int, int], None]
"""Called with (done, total) as the work goes on."""

MOMENTS_SEED = 20260316
"""Decides the random moments of each stay; fixed, so that every training sees the same rows."""


class Pooling:
    """Mean sentence embeddings, each note computed once: rows of a stay mostly share theirs."""

    def __init__(self, encoder: Encodes) -> None:
        self._encoder = encoder
        self._held: dict[tuple[Sentence, ...], Tensor | None] = {}

    def of(self, sentences: tuple[Sentence, ...]) -> Tensor | None:
        """The mean embedding [384], or None where nothing can be read."""
        if sentences not in self._held:
            texts, _ = legible(sentences, self._encoder)
            self._held[sentences] = self._encoder.encode(texts).mean(0) if texts else None
        return self._held[sentences]


def build_table(
    data: Path,
    design: Design,
    features: FeatureTable,
    encoder: Encodes,
    progress: Progress | None = None,
    *,
    site: Site = DEFAULT_SITE,
) -> Table:
    """Every row of a cohort's folder; ``ValueError`` where no stay has a label."""
    total = sum(_line_count(path) for path in data.glob("Patient*.ndjson"))
    rows: list[TableRow] = []
    width = 0
    for done, chart in enumerate(read_charts(data), 1):
        pooling = Pooling(encoder)
        for inputs, target in rows_of(chart, features, site):
            pooled = pooling.of(inputs.sentences)
            width = width if pooled is None else len(pooled)
            rows.append(TableRow(chart.patient_id, numbers_of(inputs, design), pooled, target))
        if progress:
            progress(done, total)
    return table_of(rows, [name in design.flags for name in design.features], width)


def rows_of(chart: RawChart, features: FeatureTable, site: Site = DEFAULT_SITE) -> Iterator[tuple[ModelInputs, Target]]:
    """The rows of one stay: what was known at each moment of prediction, and what happened after it.

    A moment at which the patient was outside the population, as judged in serving, gives no row.
    """
    history, outcome = label_chart(chart, site)
    for moment in landmarks(history, outcome, _generator(chart.patient_id)):
        snapshot = replayed(chart, history, moment, site)
        if judge(snapshot).kind == "inside":
            inputs = build_inputs(snapshot, features)
            yield inputs, target_of(outcome, inputs.hours)


def target_of(outcome: Outcome, start_h: float) -> Target:
    """What a stay's label says from ``start_h`` on: END is interval-censored, competing is END-free to 168 h."""
    if outcome.kind == "no_label":
        raise ValueError(f"no label: {outcome.reason}")
    if outcome.raised_h is not None:
        after = max(outcome.last_clear_h or 0.0, start_h)
        return Target(start_h, after, outcome.raised_h, event=True)
    if outcome.censored_h is not None:
        return Target(start_h, start_h, outcome.censored_h, event=False)
    return Target(start_h, start_h, EDGES_H[-1], event=False)


def _line_count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _generator(stay: str) -> np.random.Generator:
    digest = hashlib.sha256(stay.encode()).digest()
    return np.random.default_rng([MOMENTS_SEED, int.from_bytes(digest[:8], "big")])
