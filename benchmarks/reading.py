"""How well the reader reads: `python -m benchmarks.reading --stays 2000 --out reading.json`.

Sentences of simulated reports in both halves of the phrases, and the hand-written sentences. The held-out phrases
and the sealed half are scored when a reader is finished and at no other time: nothing may be tuned on them;
`--development` leaves both out.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.sentences import load, pairs
from models.encode import sha256_of
from models.reader import DEFAULT_READER, WEIGHTS, load_reader
from models.simulation.phrasebook import Phrasing
from models.studies.reading import HandWritten, reading, reading_table
from models.studies.report_sentences import StatedSentence, reports_of, sentences_in

WORLDS, SEED = ("a", "b"), 106


def hand_written(half: str) -> list[HandWritten]:
    """The labeled sentences of one half."""
    return [
        HandWritten(one["text"], one["section"] or "other", tuple((name, present) for name, present, _ in pairs(one)))
        for one in load(half)
    ]


def sha256_of_sentences(sets: Sequence[Sequence[StatedSentence] | Sequence[HandWritten]]) -> str:
    """The sentences that were read, by their texts."""
    told = "\n".join(one.text for several in sets for one in several)
    return hashlib.sha256(told.encode()).hexdigest()


def main() -> None:
    """Score the reader and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stays", type=int, default=2000, help="of each world")
    parser.add_argument("--development", action="store_true", help="leave out what is kept for the end")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    phrasings: list[Phrasing] = ["training"] if asked.development else ["training", "held-out"]
    halves = ["development"] if asked.development else ["development", "sealed"]
    reports = {one: sentences_in(reports_of(WORLDS, asked.stays, SEED, one)).sentences for one in phrasings}
    written = {half: hand_written(half) for half in halves}
    reader = load_reader()
    found = reading(reader.read, reader.spec, dict(reports), written)
    found |= {
        "reader_sha256": sha256_of(DEFAULT_READER / WEIGHTS),
        "sentences_sha256": sha256_of_sentences([*reports.values(), *written.values()]),
    }
    asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(reading_table(found))


if __name__ == "__main__":
    main()
