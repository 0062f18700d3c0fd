"""The evaluation as one page that needs nothing else: statement first, tables, plots, what is missing, checklist."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from models.evaluation import plots, plots_curves
from models.evaluation.document import SIMULATED
from models.evaluation.plots import Document

HERE = Path(__file__).parent

PERCENT = ("accuracy", "recall", "specificity", "precision", "flagged")
RANKING_AND_CALIBRATION = (
    ("auc", "AUC"), ("auprc", "Average precision"), ("brier", "Brier"),
    ("observed_to_expected", "Observed to expected"), ("calibration_in_the_large", "Calibration in the large"),
    ("calibration_slope", "Slope"), ("ici", "ICI"),
)  # fmt: skip
FLAGGING = (
    ("flagged", "Flagged"), ("recall", "Recall"), ("precision", "Precision"), ("specificity", "Specificity"),
    ("accuracy", "Accuracy"), ("f1", "F1"),
)  # fmt: skip


def report(document: Document) -> str:
    """The page; it holds what evaluation.json holds and computes no figure of its own."""
    return _pages().get_template("report.html").render(
        d=document,
        lead=plots.leading(document),
        hour=f"{document['plan']['primary_h']:g}",
        ranking=RANKING_AND_CALIBRATION,
        flagging=FLAGGING,
        plot={name: Markup(svg) for name, svg in _plots(document)},  # noqa: S704  # our own drawing, escaped there
        refused=refusals(document),
        checklist=checklist(document["training_population"] == SIMULATED),
    )  # fmt: skip


def write_report(path: Path, document: Document) -> None:
    """The page as a file."""
    path.write_text(report(document), "utf-8")


def spelled(figure: Mapping[str, Any], metric: str = "") -> str:
    """``0.783 (0.761 to 0.804)``, per cent where the metric is a share, or why it is not given."""
    if figure["value"] is None:
        return f"not given: {figure['refused']}"
    return "{} ({})".format(*_parts(figure, metric))


def shown(figure: Mapping[str, Any], metric: str = "") -> Markup:
    """The same for a cell of a table: the interval below the value."""
    if figure["value"] is None:
        return Markup('<span class="quiet">not given: {}</span>').format(figure["refused"])
    return Markup('{}<br><span class="interval">{}</span>').format(*_parts(figure, metric))


def _parts(figure: Mapping[str, Any], metric: str) -> tuple[str, str]:
    scale, digits, unit = (100, 1, " %") if metric in PERCENT else (1, 3, "")
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    interval = "no interval" if low is None else f"{scale * low:.{digits}f} to {scale * high:.{digits}f}"
    return f"{scale * value:.{digits}f}{unit}", interval


def refusals(document: Document) -> list[tuple[str, list[str]]]:
    """Every reason for which figures are not given, and which: ``landmarks 72`` of a model, whole slices as one."""
    found: dict[str, dict[str, None]] = {}
    for name, model in document["models"].items():
        for where, why in _refused(model, ()):
            found.setdefault(why, {})[f"{name}: {where}"] = None
    return [(why, list(where)) for why, where in found.items()]


def _refused(held: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not isinstance(held, Mapping):
        return
    if "refused" in held:
        yield " ".join(path).replace("_", " "), held["refused"]
        return
    reasons = {one["refused"] for one in held.values() if isinstance(one, Mapping) and "refused" in one}
    if len(reasons) == 1 and all(isinstance(one, Mapping) and "refused" in one for one in held.values()):
        yield " ".join(path).replace("_", " "), reasons.pop()
        return
    for name, one in held.items():
        yield from _refused(one, (*path, name))


def checklist(simulated: bool) -> dict[str, Any]:
    """TRIPOD+AI with the answers for simulated patients, or for a site's own."""
    raw = tomllib.loads((HERE / "tripod_ai.toml").read_text("utf-8"))
    for item in raw["item"]:
        if not simulated and "local" in item:
            item["answer"] = item["local"]
    return raw


def _plots(document: Document) -> Iterator[tuple[str, str]]:
    yield "auc_by_hour", plots.auc_by_hour(document)
    if len(document["models"]) > 1:
        yield "paired", plots.paired(document)
    if document["models"][plots.leading(document)]["subgroups"]:
        yield "subgroups", plots.subgroups(document)
    yield "calibration", plots_curves.calibration(document)
    yield "decision", plots_curves.decision(document)
    yield "incidence", plots_curves.incidence(document)
    yield "trajectories", plots_curves.trajectories(document)


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    pages.filters |= {"shown": shown, "spelled": spelled}
    return pages
