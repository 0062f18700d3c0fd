"""The pages of an artifact for people: the model card and the source attributes, from figures and authored text."""

import tomllib
from collections.abc import Mapping
from typing import Any

from models.calibrate import Calibration

SIMULATED_FIRST = (
    "**The weights are trained on simulated patients. Nothing here was validated on real ones, "
    "and no figure below says anything about them.**"
)
CARD = """# {name} {version}

{first}

The erratum of the guideline that the monitoring suggestions rest on (Stroke 2026;57(8):e461-e467,
doi 10.1161/STR.0000000000000530) was not read; check it before any clinical release.

## What it is
A fusion network for the remaining risk of early neurological deterioration (END) from the moment of a
call to 168 h after arrival, after acute ischemic stroke. Structured values with missingness
indicators and findings read from imaging reports add up; the reports' sentence embedding adds a
bounded part; a discrete-time hazard over 0-24, 24-48, 48-72, 72-120 and 120-168 h turns the sum into
risk (within an interval the hazard is spread evenly on the cumulative-hazard scale). Competing events
keep a stay END-free through 168 h, so that the risk is a cumulative incidence. Five heads, trained on
stays weighted as in a bootstrap, give the spread; it is not a confidence interval.

Training population: {population}. Cohort: {cohort}.
Stays (rows): {counts}.

## What it is not for
Decisions on reperfusion, step-down, discharge or blood pressure; patients outside
`docs/INTENDED_USE.md`; any care decision on its own.

## Figures on the test split
{statement}

| rows | stays | AUC (95 %) | Brier | calibration slope | intercept |
|---|---|---|---|---|---|
{rows}

What each modality brings, trained and recalibrated in the same way, same test stays:

| inputs | AUC, all rows | gain over structured only | AUC at 6 h |
|---|---|---|---|
{ablation}

Gains compare the same stays (95 %, stays drawn again in pairs). Over all rows the AUC also credits the
passing of time, which lowers everybody's remaining risk; within a landmark it does not. Rows censored
before 168 h are left out.

## Band
Threshold {threshold:.3f}: set on the calibration split so that {budget:g} of 100 calls are flagged (assumption);
{per_100:.1f} were; {among} of the flagged calls and {found} of all calls with END.

## Limits
- No number without baseline NIHSS or age, after 120 h, or too far from the training rows: any
  measurement beyond {sd:g} SD, or all together beyond the furthest training row (assumption).
- Contributions describe the model, not the disease; sources of effects are in `effect_sources.toml`.
- The text encoder (all-MiniLM-L6-v2) knows general English; text in other languages is left out.
- Report findings come from rules that no clinician has reviewed yet.
"""


def model_card(manifest: Mapping[str, Any], evaluation: Mapping[str, Any], calibration: Calibration) -> str:
    """The text of ``MODEL_CARD.md``."""
    population = manifest["training_population"]
    everywhere = {"all": evaluation["all_rows"]}
    landmarks = {f"at {hour} h": figures for hour, figures in evaluation["by_landmark_hour"].items()}
    return CARD.format(
        name=manifest["name"],
        version=manifest["version"],
        first=SIMULATED_FIRST if population == "simulated" else "Trained on local patients; not validated elsewhere.",
        population=population,
        cohort=", ".join(f"{key} {value}" for key, value in manifest["cohort"].items()) or "not described",
        counts=", ".join(f"{name} {c['stays']} ({c['rows']})" for name, c in evaluation["counts"].items()),
        statement=evaluation["statement"],
        rows="\n".join(_row(name, figures) for name, figures in (everywhere | landmarks).items()),
        ablation="\n".join(_ablation(name, figures) for name, figures in evaluation["ablation"].items()),
        threshold=calibration.threshold,
        budget=calibration.alert_budget,
        per_100=calibration.flagged_per_100,
        among=f"END followed in {_share(calibration.end_among_flagged)}",
        found=f"flags came before {_share(calibration.end_found)}",
        sd=manifest["reach"]["sd"],
    )


def source_attributes(authored: str, evaluation: Mapping[str, Any]) -> str:
    """The TOML of the 31 attributes with ``{field}`` filled from the evaluation; raises on an unknown field."""
    every = evaluation["all_rows"]
    filled = authored.format(
        statement=evaluation["statement"],
        auc=_with_interval(every["auc"]),
        slope=_with_interval(every["calibration_slope"]),
        brier=_with_interval(every["brier"]),
        stays=every["stays"],
        counts=", ".join(f"{name} {c['stays']}" for name, c in evaluation["counts"].items()),
    )
    tomllib.loads(filled)  # a figure must not break the file
    return filled


def _row(name: str, figures: Mapping[str, Any]) -> str:
    cells = [_with_interval(figures["auc"]), *(_plain(figures[key]) for key in _AFTER_AUC)]
    return f"| {name} ({figures['rows']}) | {figures['stays']} | " + " | ".join(cells) + " |"


_AFTER_AUC = ("brier", "calibration_slope", "calibration_intercept")


def _ablation(name: str, figures: Mapping[str, Any]) -> str:
    cells = (figures["all_rows"]["auc"], figures["auc_gain_over_structured"], figures["at_6_h"]["auc"])
    return f"| {name} | " + " | ".join(map(_with_interval, cells)) + " |"


def _plain(figure: Mapping[str, Any]) -> str:
    return "not computable" if figure["value"] is None else f"{figure['value']:.3f}"


def _with_interval(figure: Mapping[str, Any]) -> str:
    interval = figure["interval_95"]
    return _plain(figure) + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def _share(value: float | None) -> str:
    return "an unknown share" if value is None else f"{100 * value:.0f} %"
