"""How far rules and reader are trusted where they are joined: measures ``models/joining.toml``.

`python -m benchmarks.joining` prints the file. The rules are counted on generated sentences of the training
half. On the development half of the hand-written ones they were tuned, so it says nothing of them; the reader was
not trained on it, and has its floor from there. Generated sentences share words with the lexicon: how often rules
miss words that nobody foresaw is an assumption beside the count. Neither the held-out phrases nor the sealed half
is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import torch
from torch import Tensor

from benchmarks.sentences import Label, load
from fhir_mappings.inputs import Finding, Sentence
from fhir_mappings.text.findings import read_findings
from models.reader import ASSERTIONS, Reader, load_reader
from models.simulation.sentences import LabeledSentence, sentences

GENERATED, SEED = 20_000, 62  # not the reader's own corpus
UNFORESEEN = {
    "assumption: a tenth of the mentions in unforeseen words is missed, one in twenty is asserted otherwise": np.array([
        [990, 4, 1, 3, 1, 1],
        [100, 850, 20, 20, 10, 0],
        [100, 30, 840, 20, 5, 5],
        [100, 20, 20, 850, 5, 5],
        [100, 30, 10, 10, 850, 0],
        [100, 20, 20, 5, 5, 850],
    ])
}  # fmt: skip
"""By what is true, what rules may say of sentences like none that they were written for."""

FLOORS = np.arange(0.001, 0.2505, 0.001)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)

HEAD = """# How far rules and reader are trusted where they are joined; printed by `python -m benchmarks.joining`.
# counts: by what is true, in how many pairs of sentence and finding the rules say
# {order}.
"""


def place_of(assertions: Sequence[str]) -> int:
    """The place in ASSERTIONS of the strongest of several; 0 where there is none."""
    return min((ASSERTIONS.index(one) for one in assertions), default=0)


def said(found: Sequence[Finding], names: Sequence[str]) -> list[int]:
    """What the rules say of each finding."""
    return [place_of([one.assertion for one in found if one.name == name]) for name in names]


def truth_of_label(label: Label, names: Sequence[str]) -> list[int]:
    """What a hand-written sentence says of each finding; whatever its label does not name is not mentioned."""
    return [place_of([one["assertion"] for one in label["findings"] if one["finding"] == name]) for name in names]


def truth_of_generated(one: LabeledSentence, names: Sequence[str]) -> list[int]:
    """What a generated sentence states of each finding."""
    return [place_of([stated.assertion for stated in one.stated if stated.finding == name]) for name in names]


def pairs(names: Sequence[str], generated: int) -> Iterator[tuple[str, list[int], list[int]]]:
    """(source, truth, what the rules say) of each sentence."""
    for one in sentences(generated, SEED):
        found = read_findings([Sentence(one.text, one.section, "DiagnosticReport/1", _NOW)])
        yield "generated sentences, training half", truth_of_generated(one, names), said(found, names)


def counted(names: Sequence[str], generated: int = GENERATED) -> dict[str, np.ndarray]:
    """By source the counts [6, 6], rows what is true, columns what the rules say."""
    tables: dict[str, np.ndarray] = {}
    for source, truth, rules in pairs(names, generated):
        np.add.at(tables.setdefault(source, np.zeros((6, 6), dtype=int)), (truth, rules), 1)
    return tables


def floor_of(assertions: Tensor, truth: Tensor) -> float:
    """The smallest floor that a true assertion is read below in no larger a share of the mentions than itself."""
    mentioned = truth > 0
    right = assertions[mentioned].gather(1, truth[mentioned][:, None])[:, 0].numpy()
    return float(next((floor for floor in FLOORS if (right < floor).mean() <= floor), FLOORS[-1]))


def floor_on_development(reader: Reader) -> float:
    """`floor_of` on the hand-written sentences that the lexicon may be tuned on."""
    labels = load("development")
    truth = torch.tensor([truth_of_label(label, reader.spec.names) for label in labels])
    return floor_of(reader.read([label["text"] for label in labels]).assertions, truth)


def as_toml(tables: Mapping[str, np.ndarray], floor: float) -> str:
    """The file."""
    lines = [HEAD.format(order=", ".join(ASSERTIONS)), "[reader]"]
    lines += ["# a true assertion is read below it in no larger a share of the hand-written mentions, development half"]
    lines += [f"floor = {floor:.3f}"]
    for source, table in tables.items():
        lines += ["", "[[rules]]", f'source = "{source}"', "[rules.counts]"]
        lines += [f"{truth} = {row.tolist()}" for truth, row in zip(ASSERTIONS, table, strict=True)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print ``models/joining.toml``."""
    torch.set_num_threads(1)
    reader = load_reader()
    print(as_toml(counted(reader.spec.names) | UNFORESEEN, floor_on_development(reader)), end="")


if __name__ == "__main__":
    main()
