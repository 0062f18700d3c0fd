"""The pages of an artifact for people, from its own files: the model card and the source attributes.

Words stand in ``configs/model_card.md``, ``populations.toml`` and ``source_attributes.toml``; every figure is filled
from evaluation.json and calibration.json.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from fhir_mappings.eligibility import ADULT_YEARS
from fhir_mappings.features import load_features
from models.artifact import read_json
from models.calibrate import Calibration, calibration_from
from models.encode import EncoderIdentity, read_identity
from models.evaluation.goals import goals_table
from models.net import EDGES_H
from models.predictor import HORIZON_H, LATEST_H
from models.source_attributes import source_attributes_from
from models.training.shown import (
    ablation,
    abstention,
    band,
    chosen,
    counts,
    described,
    fairness,
    new_wording,
    performance,
    with_interval,
)

CONFIGS = Path(__file__).parent / "configs"
ERRATUM = (
    "The erratum of the guideline that the monitoring suggestions rest on (Stroke 2026;57(8):e461-e467, "
    "doi 10.1161/STR.0000000000000530) was not read; check it before any clinical release."
)
NEVER = (
    "A review by clinicians of the rules and of the reader that turn sentences into findings.",
    "A study of what showing the prediction does to care or to patients.",
    "Monitoring after release: a site sees drift only if it evaluates later patients itself.",
)
ENCODER = (
    "Encoder: {name}, a transformer pretrained on general English. SHA-256 of its weights {weights_sha256}, "
    "of its tokenizer {tokenizer_sha256}."
)
READER = (
    "Low-rank adapters and heads read findings from sentences; what they read is joined with what rules read. They "
    "were trained on sentences made from the training half of the phrases and from the rules' lexicon, without "
    "reports of patients and without END."
)
NO_READER = "Findings are read by rules; no reader of findings was trained for this artifact."


def write_documents(folder: Path) -> None:
    """MODEL_CARD.md and source_attributes.toml of an artifact's folder, from the other files in it.

    Written anew whenever evaluation.json or calibration.json changes.
    """
    held = {name: read_json(folder / f"{name}.json") for name in ("net", "evaluation", "calibration")}
    calibration, encoder = calibration_from(held["calibration"]), read_identity(folder / "encoder.json")
    reader = read_json(folder / "reader.json") if (folder / "reader.json").exists() else None
    card = model_card(held["net"], held["evaluation"], calibration, encoder, reader)
    (folder / "MODEL_CARD.md").write_text(card, "utf-8")
    authored = (CONFIGS / "source_attributes.toml").read_text("utf-8")
    filled = source_attributes(authored, held["evaluation"], held["net"]["training_population"])
    (folder / "source_attributes.toml").write_text(filled, "utf-8")


def model_card(
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    calibration: Calibration,
    encoder: EncoderIdentity | None = None,
    reader: Mapping[str, Any] | None = None,
) -> str:
    """The text of ``MODEL_CARD.md``; ``reader`` is what reader.json says. What was not measured is said to be so."""
    words = _words(manifest["training_population"])
    head = {
        "name": manifest["name"], "version": manifest["version"], "first": words["first"], "erratum": ERRATUM,
        "population": manifest["training_population"], "heads": manifest["fit"]["heads"],
        "cohort": described(manifest["cohort"]) or "not described", "reach": described(manifest["reach"]),
        "inputs": _inputs(), "terms": _terms(manifest), "chosen": chosen(manifest), "text": _text_part(encoder, reader),
        "never": "\n".join(f"- {one}" for one in (*words["never"], *NEVER)), **_hours(),
    }  # fmt: skip
    return (CONFIGS / "model_card.md").read_text("utf-8").format(**head, **_measured(evaluation), **band(calibration))


def source_attributes(authored: str, evaluation: Mapping[str, Any], population: str = "simulated") -> str:
    """The TOML of the 31 attributes, filled; raises where a field is unknown or the result fails its own reader."""
    words, every = _words(population), evaluation["all_rows"]
    fields = {name: text for name, text in words.items() if isinstance(text, str)} | {
        "first": f"{words['first']} {ERRATUM}", "inputs": _inputs(), "statement": evaluation["statement"],
        "auc": with_interval(every["auc"]), "slope": with_interval(every["calibration_slope"]),
        "brier": with_interval(every["brier"]), "stays": str(every["stays"]),
        "fairness": fairness(evaluation.get("subgroups") or {}), "counts": counts(evaluation, "stays"),
        "adult_years": str(ADULT_YEARS), **_hours(),
    }  # fmt: skip
    filled = authored.format(**{name: _quoted(text) for name, text in fields.items()})
    source_attributes_from(filled)
    return filled


def _words(population: str) -> dict[str, Any]:
    words: dict[str, Any] = tomllib.loads((CONFIGS / "populations.toml").read_text("utf-8"))[population]
    return words


def _hours() -> dict[str, str]:
    edges = ", ".join(f"{left:g}-{right:g}" for left, right in pairwise(EDGES_H))
    return {"horizon_h": f"{HORIZON_H:g}", "latest_h": f"{LATEST_H:g}", "intervals": edges}


def _inputs() -> str:
    return "; ".join(spec.label for spec in load_features().specs)


def _terms(manifest: Mapping[str, Any]) -> str:
    terms = manifest["design"]["terms"] if "design" in manifest else ()
    return "; ".join(term["label"] for term in terms) or "as listed in net.json"


def _text_part(encoder: EncoderIdentity | None, reader: Mapping[str, Any] | None) -> str:
    """Which encoder and adapters, by SHA-256, and what they were trained on."""
    said = [ENCODER.format(**asdict(encoder))] if encoder else []
    return "\n\n".join([*said, *(_reader(reader) if reader else [NO_READER])])


def _reader(reader: Mapping[str, Any]) -> list[str]:
    """How the reader was trained, and how it read wording that its validated twin had not seen."""
    settings = {name: value for name, value in reader.items() if name not in ("new_wording", "names", "details")}
    return [READER, f"From reader.json: {described(settings)}.", *new_wording(reader)]


def _measured(evaluation: Mapping[str, Any]) -> dict[str, str]:
    return {
        "statement": evaluation["statement"],
        "target": evaluation["target"],
        "bounds": evaluation["intervals"],
        "counts": counts(evaluation, "stays", "rows"),
        "performance": performance(evaluation),
        "ablation": ablation(evaluation.get("ablation") or {}),
        "goals": goals_table(evaluation.get("goals") or []).rstrip(),
        "abstention": abstention(evaluation.get("abstention")),
    }


def _quoted(text: str) -> str:
    """The text as it may stand inside a TOML string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
