"""What the document tells at one landmark, where each admission counts once: curves, incidence, trajectories."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.evaluation.curves import calibration_curve, curve_why_not, decision_curve, flag_all_curve
from models.evaluation.incidence import incidence, incidence_hours
from models.evaluation.intervals import Draws
from models.evaluation.plan import Plan
from models.evaluation.refuse import NO_THRESHOLD, refused, too_few
from models.evaluation.rows import Flags, Scored, TestRows
from models.evaluation.slices import slice_of
from models.evaluation.trajectories import last_totals, trajectory

GroupOf = Callable[[Flags], Any]


def at_primary(rows: TestRows, models: Sequence[Scored], draws: Draws, plan: Plan) -> dict[str, Any]:
    """The parts ``decision_curve``, ``calibration_curve``, ``cumulative_incidence`` and ``trajectories``."""
    return _by_risk(rows, models, draws, plan) | _by_group(rows, models, draws, plan)


def _by_risk(rows: TestRows, models: Sequence[Scored], draws: Draws, plan: Plan) -> dict[str, Any]:
    chosen = slice_of(rows, rows.at(plan.primary_h))
    decision: dict[str, Any] = {}
    calibration: dict[str, Any] = {}
    for model in models:
        if why := curve_why_not(chosen, model, plan.fewest):
            decision[model.name] = calibration[model.name] = refused(why, chosen.n, chosen.events)
        else:
            risk = model.risks[chosen.rows]
            decision[model.name] = decision_curve(draws, chosen, risk, plan.thresholds)
            calibration[model.name] = calibration_curve(draws, chosen, risk, plan.fewest)
    why = too_few(chosen.having, chosen.free, plan.fewest)
    every = refused(why, chosen.n, chosen.events) if why else flag_all_curve(draws, chosen, plan.thresholds)
    head = {"hour": plan.primary_h}
    return {
        "decision_curve": head | {"thresholds": list(plan.thresholds), "flag_all": every, "models": decision},
        "calibration_curve": head | {"models": calibration},
    }


def _by_group(rows: TestRows, models: Sequence[Scored], draws: Draws, plan: Plan) -> dict[str, Any]:
    at, hours = rows.at(plan.primary_h), incidence_hours(plan.primary_h, plan.horizon_h)
    totals, ended = last_totals(rows, plan.windows_h), rows.outcome == 1

    def incidence_in(keep: Flags) -> dict[str, Any]:
        return incidence(rows, keep, hours, plan.fewest)

    def trajectory_of(keep: Flags) -> list[dict[str, Any]]:
        return trajectory(draws, totals, keep, ended, windows_h=plan.windows_h, fewest=plan.fewest)

    def both(of: GroupOf) -> dict[str, Any]:
        return {"hour": plan.primary_h, "all": of(at), "models": {one.name: _groups(one, at, of) for one in models}}

    return {
        "cumulative_incidence": both(incidence_in) | {"hours": hours.tolist()},
        "trajectories": both(trajectory_of),
    }


def _groups(model: Scored, at: Flags, of: GroupOf) -> Mapping[str, Any]:
    """Something of the flagged and of the not flagged rows; refused where nothing was flagged beforehand."""
    flagged = model.flagged()
    if flagged is None:
        return refused(NO_THRESHOLD, int(at.sum()), 0)
    return {"flagged": of(at & flagged), "not_flagged": of(at & ~flagged)}
