"""The loop that trains a reader: low-rank adapters in the transformer, and heads, from labeled sentences.

The loss is the negative log-likelihood of all that a sentence states: whether each finding is mentioned,
and, of those mentioned only, how it is asserted and which details are said; then the side. So the many
findings that a sentence does not mention teach one yes or no each and do not drown the others.
Deterministic on a CPU with one thread; a checkpoint after each part of an epoch lets a run go on where it stopped.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from models.encode import tokens_of
from models.reader import ReaderSpec, Scores
from models.training.learner import Learner, ReaderSettings
from models.training.reader_parts import Lessons, Targets

BUCKET = 50  # batches sorted by length together: little padding, still shuffled
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """A part of an epoch: mean loss a sentence in training, then on the validation part where there is one."""

    training: float
    validation: float | None


@dataclass(frozen=True)
class FittedReader:
    """Adapters and heads, ready to be written, and how they came about."""

    learner: Learner
    tokenizer: Any
    settings: ReaderSettings
    parts: tuple[Part, ...]
    best: int  # after which part the weights were taken, from 0


def loss_of(scores: Scores, targets: Targets, spec: ReaderSpec) -> Tensor:
    """The negative log-likelihood of what each sentence states, added up over the batch."""
    mentioned = targets.assertions > 0
    loss = binary_cross_entropy_with_logits(scores.mention, mentioned.float(), reduction="sum")
    loss = loss + cross_entropy(scores.assertion[mentioned], targets.assertions[mentioned] - 1, reduction="sum")
    asked = mentioned[:, [spec.names.index(one.finding) for one in spec.details]].float()
    detail = binary_cross_entropy_with_logits(scores.detail, targets.details, asked, reduction="sum")
    return loss + detail + cross_entropy(scores.side, targets.sides, reduction="sum")


@dataclass
class _Course:
    """A fit under way."""

    learner: Learner
    tokenizer: Any
    spec: ReaderSpec
    settings: ReaderSettings
    solver: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    of: str  # settings and sentences, by which a checkpoint is known
    parts: list[Part]
    best: dict[str, Tensor]

    @property
    def best_part(self) -> int:
        """The part with the smallest validation loss, else the last one."""
        held = [one.validation for one in self.parts if one.validation is not None]
        return held.index(min(held)) if held else len(self.parts) - 1

    @property
    def over(self) -> bool:
        """True after the last part, or once validation has not got better for long enough."""
        waited = len(self.parts) - 1 - self.best_part
        return len(self.parts) >= self.settings.epochs * self.settings.parts or waited > self.settings.patience


def fit_reader(
    training: Lessons, validation: Lessons | None, spec: ReaderSpec, settings: ReaderSettings,
    *, transformer: tuple[Any, Any], progress: Progress = print, checkpoint: Path | None = None,
    limit: int | None = None,
) -> FittedReader:  # fmt: skip
    """The weights after the part at which the validation sentences were likeliest, else after the last one.

    ``transformer`` is a tokenizer and a model, which is given its adapters in place. ``checkpoint`` is a file
    written after each part; where it exists, the fit goes on from it. ``limit`` ends it after so many parts.
    """
    course = _begun(transformer, spec, settings, training)
    if checkpoint and checkpoint.is_file():
        _resume(course, checkpoint)
    while not course.over and len(course.parts) != limit:
        taught = _taught(course, training)
        held = mean_loss(course.learner, course.tokenizer, validation, spec, settings) if validation else None
        course.parts.append(Part(taught, held))
        progress(f"part {len(course.parts)} of {settings.epochs * settings.parts}: {course.parts[-1]}")
        if course.best_part == len(course.parts) - 1:
            course.best = course.learner.weights()
        if checkpoint:
            _save(course, checkpoint)
    course.learner.load(course.best)
    return FittedReader(course.learner, course.tokenizer, settings, tuple(course.parts), course.best_part)


def _begun(transformer: tuple[Any, Any], spec: ReaderSpec, settings: ReaderSettings, training: Lessons) -> _Course:
    tokenizer, model = transformer
    learner = Learner(model, spec, settings)
    adapters = [weight for weight in learner.encoder.parameters() if weight.requires_grad]
    groups = [
        {"params": adapters, "lr": settings.rate},
        {"params": list(learner.heads.parameters()), "lr": settings.rate_heads},
    ]
    solver = torch.optim.AdamW([one for one in groups if one["params"]], weight_decay=settings.decay)
    steps = settings.epochs * -(-len(training) // settings.batch)
    warm = max(1, round(settings.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(solver, lambda at: min((at + 1) / warm, 1 - at / (steps + 1)))
    of = hashlib.sha256(repr((settings, spec, training.texts)).encode()).hexdigest()
    return _Course(learner, tokenizer, spec, settings, solver, schedule, of, [], {})


def batches(texts: Sequence[str], size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Shuffled places of texts of like length, a batch at a time."""
    order = rng.permutation(len(texts))
    drawn = [order[at : at + BUCKET * size] for at in range(0, len(order), BUCKET * size)]
    near = [sorted(bucket.tolist(), key=lambda place: len(texts[place])) for bucket in drawn]
    cut = [bucket[at : at + size] for bucket in near for at in range(0, len(bucket), size)]
    for place in rng.permutation(len(cut)):
        yield cut[place]


def _taught(course: _Course, training: Lessons) -> float:
    """The next part of an epoch; the mean loss a sentence."""
    settings, total, seen = course.settings, 0.0, 0
    epoch, part = divmod(len(course.parts), settings.parts)
    torch.manual_seed(settings.seed * 1000 + len(course.parts))  # the same whether or not the fit was resumed
    drawn = list(batches(training.texts, settings.batch, np.random.default_rng([settings.seed, epoch])))
    course.learner.train()
    for rows in drawn[part :: settings.parts]:
        tokens = tokens_of(course.tokenizer, [training.texts[row] for row in rows], settings.max_tokens)
        loss = loss_of(course.learner(tokens), training.targets.at(rows), course.spec)
        course.solver.zero_grad()
        (loss / len(rows)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(course.learner.parameters(), 1.0)
        course.solver.step()
        course.schedule.step()
        total, seen = total + float(loss.detach()), seen + len(rows)
    return total / seen


def scores_of(learner: Learner, tokenizer: Any, texts: Sequence[str], settings: ReaderSettings) -> Scores:
    """Logits of all sentences, in their order."""
    learner.eval()
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    found = []
    with torch.no_grad():
        for at in range(0, len(order), settings.batch):
            rows = order[at : at + settings.batch]
            found.append(learner(tokens_of(tokenizer, [texts[row] for row in rows], settings.max_tokens)))
    back = torch.tensor(order).argsort()
    return Scores(*(torch.cat([getattr(one, field) for one in found])[back] for field in Scores.__annotations__))


def mean_loss(learner: Learner, tokenizer: Any, held: Lessons, spec: ReaderSpec, settings: ReaderSettings) -> float:
    """The mean loss a sentence, without dropout."""
    return float(loss_of(scores_of(learner, tokenizer, held.texts, settings), held.targets, spec)) / len(held)


def _save(course: _Course, path: Path) -> None:
    """The fit so far, in one step: a run that is cut off leaves the checkpoint before."""
    solver = course.solver.state_dict()
    tensors = {f"best.{name}": weight for name, weight in course.best.items()}
    tensors |= {f"now.{name}": weight for name, weight in course.learner.weights().items()}
    tensors |= {f"solver.{place}.{key}": held for place, of in solver["state"].items() for key, held in of.items()}
    told = {
        "of": course.of, "parts": [asdict(one) for one in course.parts], "groups": solver["param_groups"],
        "at": course.schedule.last_epoch,
    }  # fmt: skip
    fresh = path.with_suffix(".new")
    save_file(
        {name: tensor.contiguous().clone() for name, tensor in tensors.items()}, fresh, {"told": json.dumps(told)}
    )
    fresh.replace(path)


def _resume(course: _Course, path: Path) -> None:
    with safe_open(path, "pt") as file:
        told = json.loads(file.metadata()["told"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary
    if told["of"] != course.of:
        raise ValueError(f"{path} is the checkpoint of a fit with other settings or sentences")
    course.parts, course.best = [Part(**one) for one in told["parts"]], _under("best.", tensors)
    course.learner.load(_under("now.", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("solver.", tensors).items():
        place, key = name.split(".", 1)
        state.setdefault(int(place), {})[key] = tensor
    course.solver.load_state_dict({"state": state, "param_groups": told["groups"]})
    course.schedule.last_epoch = told["at"]


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
