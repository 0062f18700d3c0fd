"""evaluation.json: every figure of every model on one test set, with its interval or the reason that it has none."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.evaluation.at_primary import at_primary
from models.evaluation.intervals import Draws, draws_of
from models.evaluation.measure import Answer, answer, differences
from models.evaluation.plan import Plan
from models.evaluation.refuse import NO_TRUTH, refused
from models.evaluation.rows import Scored, TestRows, check_scored
from models.evaluation.slices import OVERALL, Name, Slice, nested, sliced

SIMULATED = "simulated"
SIMULATED_STATEMENT = (
    "Every figure here is on simulated patients. It says how the models compare inside the simulation, "
    "and nothing about real patients."
)

Progress = Callable[[int, int], None]
"""Called with (done, total) as the work goes on."""


@dataclass(frozen=True)
class About:
    """What a reader must know before any figure.

    ``statement`` opens evaluation.json and the report. ``lost`` counts what was left out, by reason.
    Raises ``ValueError`` where simulated patients are not called so in the statement.
    """

    statement: str
    training_population: str
    config_sha256: str
    lost: Mapping[str, int] = field(default_factory=dict)
    title: str = "Evaluation"

    def __post_init__(self) -> None:
        if not self.statement.strip():
            raise ValueError("an evaluation needs a statement of what it is worth")
        if self.training_population == SIMULATED and SIMULATED not in self.statement.lower():
            raise ValueError("the statement must say that the patients are simulated")


def evaluation(
    rows: TestRows, models: Sequence[Scored], about: About, plan: Plan | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """The whole evaluation of the models on the rows; the first model leads the report.

    Same rows, answers and plan give the same document. Raises ``ValueError`` on answers that do not fit.
    """
    plan = plan or Plan()
    check_scored(rows, models)
    draws, slices = draws_of(rows.stays, plan.draws, plan.seed), sliced(rows, plan)
    answers = _answers(draws, slices, models, plan, progress)
    return {
        "statement": about.statement,
        "title": about.title,
        "training_population": about.training_population,
        "config_sha256": about.config_sha256,
        "test_set_sha256": sha256_of(rows),
        "n_admissions": len(set(rows.stays)),
        "n_rows": len(rows),
        "plan": asdict(plan),
        "models": {model.name: _written(model, answers[model.name], rows) for model in models},
        "paired": differences({name: _compared(held) for name, held in answers.items()}),
        **at_primary(rows, models, draws, plan),
        "lost": dict(about.lost),
    }


def write_evaluation(path: Path, document: Mapping[str, Any]) -> None:
    """The document as JSON; a number that is none raises ``ValueError``."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def sha256_of(rows: TestRows) -> str:
    """The test set by its stays, hours and outcomes, whatever their order."""
    told = sorted(
        f"{stay}\t{hour:.3f}\t{outcome:g}"
        for stay, hour, outcome in zip(rows.stays, rows.hours.tolist(), rows.outcome.tolist(), strict=True)
    )
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _answers(
    draws: Draws, slices: Mapping[Name, Slice], models: Sequence[Scored], plan: Plan, progress: Progress | None
) -> dict[str, dict[Name, Answer]]:
    found: dict[str, dict[Name, Answer]] = {model.name: {} for model in models}
    steps = [(model, name) for model in models for name in slices]
    for done, (model, name) in enumerate(steps, start=1):
        found[model.name][name] = answer(draws, slices[name], model, plan.fewest)
        if progress:
            progress(done, len(steps))
    return found


def _compared(answers: Mapping[Name, Answer]) -> dict[str, Answer]:
    """The slices on which models are compared: all rows, and each landmark."""
    return {name[-1]: held for name, held in answers.items() if name == OVERALL or name[0] == "landmarks"}


def _written(model: Scored, answers: Mapping[Name, Answer], rows: TestRows) -> dict[str, Any]:
    head = {"probability": model.probability, "thresholds": _thresholds(model, rows)}
    figures = nested({name: held.figures() for name, held in answers.items()})
    truth = {} if rows.event is not None else {"event_truth": refused(NO_TRUTH, 0, 0)}
    return head | figures | truth


def _thresholds(model: Scored, rows: TestRows) -> list[list[float]] | None:
    """The threshold at each hour, where there is one."""
    if model.thresholds is None:
        return None
    pairs = dict(zip(rows.hours.round(3).tolist(), model.thresholds.tolist(), strict=True))
    return [[hour, pairs[hour]] for hour in sorted(pairs)]
