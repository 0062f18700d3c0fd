"""From ``reader.toml`` to a reader's folder.

The fit is done twice: once without the wording that ``[validation]`` keeps, which says when to stop, how far
probabilities are to be trusted (temperatures) and how well new wording is read; then, for as many parts,
with all sentences.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.artifact import write_json, write_weights
from models.encode import EncoderIdentity, identity_of, installed_folder, load_transformer, sha256_of
from models.reader import IDENTITY, MANIFEST, WEIGHTS, Detail, ReaderSpec
from models.training.fit_reader import FittedReader, Progress, fit_reader, scores_of
from models.training.learner import Learner, ReaderSettings
from models.training.reader_figures import reader_figures, temperatures
from models.training.reader_parts import Labeled, Lessons, by_wording, chained, lessons, spec_of

_CHECKPOINTS = (".validated", ".final")


def settings_from(raw: Mapping[str, Any]) -> ReaderSettings:
    """The loop's settings of ``[fit]``."""
    return ReaderSettings(**{**raw, "targets": tuple(raw["targets"])})


@dataclass(frozen=True)
class _Lesson:
    """What both fits share."""

    spec: ReaderSpec
    settings: ReaderSettings
    identity: EncoderIdentity
    chained: float
    progress: Progress
    out: Path

    def fit(self, corpus: Sequence[Labeled], held: Lessons | None = None, limit: int | None = None) -> FittedReader:
        """A reader of the corpus; its checkpoint lies beside the folder."""
        chains = chained(corpus, self.chained, self.settings.seed)
        return fit_reader(
            lessons(chains, self.spec), held, self.spec, self.settings, limit=limit, progress=self.progress,
            transformer=load_transformer(self.identity), checkpoint=self.out.with_suffix(_CHECKPOINTS[held is None]),
        )  # fmt: skip


def train_reader(raw: Mapping[str, Any], corpus: Sequence[Labeled], out: Path, progress: Progress = print) -> None:
    """A reader's folder at ``out`` from ``reader.toml`` and its sentences.

    A run that was cut off goes on from the checkpoints beside the folder.
    """
    settings, identity = settings_from(raw["fit"]), identity_of(installed_folder(), **raw["encoder"])
    spec = spec_of(corpus, [Detail(**one) for one in raw["bound"]])
    known, new = by_wording(corpus, raw["validation"])
    held = lessons(new[: raw["validation"]["sentences"]], spec)
    progress(f"{len(known)} sentences in known wording, {len(held)} of {len(new)} in new wording")
    both = _Lesson(spec, settings, identity, raw["corpus"]["chained"], progress, out)
    first = both.fit(known, held)
    figures = measured(first, held, spec)
    progress(json.dumps(figures))
    final = both.fit(corpus, limit=first.best + 1)
    final.learner.heads.temperature.copy_(first.learner.heads.temperature)
    told = {key: raw[key] for key in ("name", "version", "corpus", "fit", "validation")}
    told["corpus"] = told["corpus"] | {"sha256": sha256_of_corpus(corpus)}
    adapter = {key: raw["fit"][key] for key in ("rank", "alpha", "targets")}
    parts = [asdict(one) for one in first.parts]
    write_reader(
        out, final.learner, spec, identity, {**told, "adapter": adapter, "parts": parts, "new_wording": figures}
    )
    for suffix in _CHECKPOINTS:
        out.with_suffix(suffix).unlink()


def sha256_of_corpus(corpus: Sequence[Labeled]) -> str:
    """Which sentences and labels those were."""
    return hashlib.sha256("\n".join(map(repr, corpus)).encode()).hexdigest()


def measured(fitted: FittedReader, held: Lessons, spec: ReaderSpec) -> dict[str, Any]:
    """The figures on the validation part, after the heads were given their temperatures there."""
    heads = fitted.learner.heads
    scores = scores_of(fitted.learner, fitted.tokenizer, held.texts, fitted.settings)
    heads.temperature.copy_(temperatures(scores, held.targets, spec))
    return reader_figures(heads, scores, held.targets, spec)


def write_reader(
    out: Path, learner: Learner, spec: ReaderSpec, identity: EncoderIdentity, told: Mapping[str, Any]
) -> None:
    """The folder that `models.reader.load_reader` reads; ``told`` is the rest of ``reader.json``, with ``adapter``."""
    out.mkdir(parents=True, exist_ok=True)
    write_weights(out / WEIGHTS, learner.weights())
    write_json(out / IDENTITY, asdict(identity))
    manifest = {
        "weights_sha256": sha256_of(out / WEIGHTS), "names": list(spec.names),
        "details": [asdict(one) for one in spec.details], **told,
    }  # fmt: skip
    write_json(out / MANIFEST, manifest)
