"""Figures and settings as words of a page for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.calibrate import Calibration, Pairs, Recalibration

PERFORMANCE = {
    "auc": "AUC", "brier": "Brier", "observed_to_expected": "O:E", "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept", "ici": "ICI",
}  # fmt: skip
"""Figures of a set of rows, shown where evaluation.json holds them."""

FLAGGING = {
    "sensitivity": "sensitivity", "specificity": "specificity", "ppv": "positive predictive value",
    "npv": "negative predictive value", "net_benefit": "net benefit",
}  # fmt: skip
"""Figures of the threshold, in calibration.json under ``figures``."""

Figure = Mapping[str, Any]
"""``value`` with ``interval_95`` or ``low`` and ``high``; None where there is none, and ``refused`` says why."""


def plain(figure: Figure) -> str:
    """The value alone, or why there is none."""
    if figure["value"] is None:
        return f"not computable ({figure['refused']})" if "refused" in figure else "not computable"
    return f"{figure['value']:.3f}"


def with_interval(figure: Figure) -> str:
    """The value and its interval, where it has one."""
    low, high = figure.get("interval_95") or (figure.get("low"), figure.get("high"))
    return plain(figure) + ("" if low is None or high is None else f" ({low:.3f} to {high:.3f})")


def described(settings: Mapping[str, Any]) -> str:
    """Settings in one line; inner ones by their path, long lists by their length."""
    return ", ".join(f"{name} {value}" for name, value in _flat(settings, ""))


def _flat(settings: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, _setting(value)))
    return found


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        simple = len(value) <= 8 and not any(isinstance(one, Mapping | list | tuple) for one in value)
        return " ".join(map(str, value)) if simple else f"({len(value)})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A GFM table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def chosen(manifest: Mapping[str, Any]) -> str:
    """What folds of the training stays chose, and how many weights that leaves free."""
    if "choice" not in manifest:
        return "What training chose is not in net.json."
    free = f"{manifest['effective_parameters']:.1f}" if "effective_parameters" in manifest else "not computed"
    return f"Chosen in folds of the training stays: {described(manifest['choice'])}. Effective parameters: {free}."


def counts(evaluation: Mapping[str, Any], first: str, *others: str) -> str:
    """Each part of the split with its ``stays`` or ``rows``, further ones in brackets."""
    held = evaluation["counts"].items()
    return ", ".join(f"{name} {c[first]}" + "".join(f" ({c[other]})" for other in others) for name, c in held)


def performance(evaluation: Mapping[str, Any]) -> str:
    """The table of all rows and each landmark, with the figures that were measured."""
    landmarks = {f"at {hour} h": figures for hour, figures in evaluation["by_landmark_hour"].items()}
    sets = {"all": evaluation["all_rows"]} | landmarks
    shown = {key: heading for key, heading in PERFORMANCE.items() if key in evaluation["all_rows"]}
    rows = [
        [name, f"{f['stays']} ({f['rows']})", *(with_interval(f[key]) for key in shown)] for name, f in sets.items()
    ]
    return table(["rows", "stays (rows)", *shown.values()], rows)


def ablation(networks: Mapping[str, Any]) -> str:
    """What each part brings; every landmark that all networks were measured at has its column."""
    if not networks:
        return "What each modality brings was not measured for this artifact."
    hours = [key for key in next(iter(networks.values())) if key.startswith("at_")]
    keys = [("all_rows", "AUC, all rows"), *((key, f"AUC {key.replace('_', ' ')}") for key in hours)]
    rows = [
        [name, *(with_interval(held[key]["auc"]) for key, _ in keys), with_interval(held["auc_gain_over_structured"])]
        for name, held in networks.items()
    ]
    said = "What each modality brings, trained and recalibrated in the same way, same test stays:"
    return f"{said}\n\n{table(['inputs', *(text for _, text in keys), 'gain over structured only'], rows)}"


def band(calibration: Calibration) -> dict[str, Any]:
    """The card's words on recalibration, thresholds and what flagging did."""
    figures = calibration.figures
    rows = [[said, with_interval(figures[key]) if key in figures else "not computed"] for key, said in FLAGGING.items()]
    return {
        "budget": calibration.alert_budget,
        "per_100": f"{figures['flagged_per_100']:.1f} were"
        if "flagged_per_100" in figures
        else "how many were is unknown",
        "stages": "\n\n".join(map(_stage, calibration.stages)) or "The network's hazards are not recalibrated.",
        "thresholds": table(["hours after arrival", "threshold"], _by_hour(calibration.thresholds)),
        "flagging": table(["at the threshold", "value (95 %)"], rows),
    }


def _stage(stage: Recalibration) -> str:
    told = zip(stage.hours, stage.intercepts, stage.slopes, strict=True)
    rows = [[f"{hour:g}", f"{intercept:.3f}", f"{slope:.3f}"] for hour, intercept, slope in told]
    said = f"Fitted on {stage.on} ({stage.rows} rows, {stage.events} with END):"
    return f"{said}\n\n{table(['hours after arrival', 'intercept', 'slope'], rows)}"


def _by_hour(pairs: Pairs) -> list[list[str]]:
    return [[f"{hour:g}", f"{value:.3f}"] for hour, value in pairs]


NEW_WORDING = (
    "Before it was trained on all sentences, its twin was trained without some nouns and cues and then asked about "
    "sentences with them ({sentences} sentences, which also chose when to stop): AUC of present against absent, "
    "uncertain, historical and asked. Mentions: {recall:.2f} found, {precision:.2f} of the found right; {right:.2f} of "
    "the assertions right."
)


def new_wording(reader: Mapping[str, Any]) -> list[str]:
    """How the reader read wording that its training had not seen, as words and a table; nothing where not measured."""
    found = reader.get("new_wording")
    if not found:
        return []
    said = NEW_WORDING.format(
        sentences=found["sentences"], recall=found["mention_recall"], precision=found["mention_precision"],
        right=found["assertion_right"],
    )  # fmt: skip
    rows = [
        [name, str(found["mentions"][name]), "not computable" if auc is None else f"{auc:.3f}"]
        for name, auc in found["auc_present"].items()
    ]
    return [said, table(["finding", "mentions", "AUC"], rows)]


def abstention(counted: Mapping[str, Any] | None) -> str:
    """How many test rows got no number, and why."""
    if not counted:
        return "How often this happens was not counted for this artifact."
    reasons = ", ".join(f"{reason} {rows}" for reason, rows in counted["reasons"].items())
    return f"Of the test rows: {with_interval(counted['share'])} ({reasons or 'no row'})."


def fairness(groups: Mapping[str, Any]) -> str:
    """The AUC of each group, or that there is none."""
    if not groups:
        return "Not computed by group."
    return (
        "AUC by group: "
        + "; ".join(f"{name} {with_interval(figures['auc'])}" for name, figures in groups.items())
        + "."
    )
