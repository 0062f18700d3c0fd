"""How well the rules read labelled report sentences: sensitivity and specificity with Wilson intervals.

`python -m benchmarks.sentences development` scores one half. The sealed half is scored when the lexicon is
finished and at no other time: nothing may be tuned on it.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any

from fhir_mappings.inputs import Finding, Section, Sentence
from fhir_mappings.text.findings import read_findings

FOLDER = Path(__file__).parents[1] / "tests" / "fhir_mappings" / "sentences"
IMAGING = (
    "hyperdense_artery", "occlusion", "early_ischemic_change", "aspects", "mca_infarct", "watershed_infarct",
    "hemorrhage", "mass_effect", "midline_shift", "collaterals", "stenosis", "old_infarct", "leukoaraiosis",
    "perfusion_mismatch",
)  # fmt: skip
SYMPTOMS = (
    "unsteadiness", "gait_disturbance", "visual_disturbance", "limb_weakness", "speech_disturbance", "facial_droop",
    "wake_up_onset",
)  # fmt: skip
BESIDES = ("aca_infarct", "cistern_effacement", "susceptibility_sign")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_Z = 1.959963984540054

Label = Mapping[str, Any]


def load(half: str) -> list[Label]:
    """The labelled sentences of one half, ``development`` or ``sealed``."""
    return [json.loads(line) for line in (FOLDER / f"{half}.jsonl").read_text("utf-8").splitlines()]


def read(label: Label) -> tuple[Finding, ...]:
    """What the rules find in a labelled sentence."""
    section: Section = label["section"] or "other"
    return read_findings([Sentence(label["text"], section, "DiagnosticReport/1", _NOW)])


def pairs(label: Label) -> Iterator[tuple[str, bool, str]]:
    """(finding, labelled present, how it is labelled) of each labelled finding; a trap is ``none``."""
    said: dict[str, set[str]] = {}
    for one in label["findings"]:
        said.setdefault(one["finding"], set()).add(one["assertion"])
    for name, assertions in said.items():
        yield name, "present" in assertions, "/".join(sorted(assertions))
    for name in label["none_of"]:
        if name not in said:
            yield name, False, "none"


def wilson(hits: int, of: int) -> list[float]:
    """The 95 % Wilson score interval of a proportion (Wilson 1927); empty where nothing was counted."""
    if of == 0:
        return []
    share, spread = hits / of, _Z * _Z / of
    middle, half = share + spread / 2, _Z * sqrt(share * (1 - share) / of + spread / (4 * of))
    return [round((middle - half) / (1 + spread), 3), round((middle + half) / (1 + spread), 3)]


def score(labels: Sequence[Label]) -> dict[str, Any]:
    """Counts by finding, pooled over `IMAGING` and `SYMPTOMS`, and what else the rules said.

    Present is one class and everything else that was labelled the other. ``unlabelled_present`` counts findings
    read as present in sentences where no label names them.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*IMAGING, *SYMPTOMS, *BESIDES)}
    details: Counter[str] = Counter()
    for label in labels:
        found = read(label)
        here = {one.name for one in found if one.assertion == "present"}
        named = set()
        for name, present, how in pairs(label):
            named.add(name)
            counts[name][f"{'present' if present else 'other'}_{'hit' if (name in here) == present else 'miss'}"] += 1
            said = {one.assertion for one in found if one.name == name} or {"none"}
            details["assertion_right"] += not said.isdisjoint(how.split("/"))
            details["assertion_of"] += 1
        for name in here - named:
            if name in counts:
                counts[name]["unlabelled_present"] += 1
        _compare_members(label, found, details)
    groups = {"imaging": IMAGING, "symptoms": SYMPTOMS, "besides": BESIDES, "pooled": (*IMAGING, *SYMPTOMS)}
    pooled = {name: sum((counts[one] for one in members), Counter()) for name, members in groups.items()}
    return {
        "sentences": len(labels),
        **{name: _figures(one) for name, one in pooled.items()},
        "findings": {name: _figures(one) for name, one in counts.items()},
        "members": dict(sorted(details.items())),
    }


def _compare_members(label: Label, found: Sequence[Finding], details: Counter[str]) -> None:
    """Side, site, value and grade of findings that label and rules both call present."""
    read_as = {one.name: one for one in found if one.assertion == "present"}
    for one in label["findings"]:
        mine = read_as.get(one["finding"])
        if mine is None or one["assertion"] != "present":
            continue
        for member in ("side", "site", "value", "grade"):
            if one.get(member) is not None:
                details[f"{member}_of"] += 1
                details[f"{member}_right"] += getattr(mine, member) == one[member]


def _figures(counts: Counter[str]) -> dict[str, Any]:
    present = counts["present_hit"] + counts["present_miss"]
    other = counts["other_hit"] + counts["other_miss"]
    return {
        "present": present,
        "sensitivity": round(counts["present_hit"] / present, 3) if present else None,
        "sensitivity_interval": wilson(counts["present_hit"], present),
        "other": other,
        "specificity": round(counts["other_hit"] / other, 3) if other else None,
        "specificity_interval": wilson(counts["other_hit"], other),
        "unlabelled_present": counts["unlabelled_present"],
    }


def misses(labels: Sequence[Label]) -> Iterator[str]:
    """One line a wrong answer, for reading; only ever called for the development half."""
    for label in labels:
        here = {one.name: one.assertion for one in read(label)}
        for name, present, how in pairs(label):
            if (here.get(name) == "present") != present:
                yield f"{label['id']} {name}: labelled {how}, read {here.get(name, 'none')} | {_quoted(label)}"
        named = {name for name, _, _ in pairs(label)}
        for name, said in here.items():
            if said == "present" and name not in named and name in (*IMAGING, *SYMPTOMS, *BESIDES):
                yield f"{label['id']} {name}: not labelled, read {said} | {_quoted(label)}"


def _quoted(label: Label) -> str:
    return f"{label['section']} | {label['text']}"


def main() -> None:
    """Print the figures of one half, or the wrong answers of the development half."""
    parser = argparse.ArgumentParser()
    parser.add_argument("half", choices=["development", "sealed"])
    parser.add_argument("--misses", action="store_true", help="list wrong answers (development only)")
    asked = parser.parse_args()
    labels = load(asked.half)
    if asked.misses and asked.half == "development":
        print("\n".join(misses(labels)))
    print(json.dumps(score(labels), indent=2))


if __name__ == "__main__":
    main()
