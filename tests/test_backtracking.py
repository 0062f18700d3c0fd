"""No regular expression of ours can be held up by a text: its time grows with the text, or its text is short."""

import importlib
import inspect
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fhir_mappings.report_text import without_long_runs
from fhir_mappings.text.sections import LONGEST_SENTENCE
from tests import builders as b
from tests.cds_service.calls import client, prefetch, request
from tests.hostile import COLLECT, pumps

ROOT = Path(__file__).parents[1]
SENTENCE_ROOMS = (
    "fhir_mappings.nihss_text", "fhir_mappings.text.assertion", "fhir_mappings.text.finding_rules",
    "fhir_mappings.text.symptom_assertion", "fhir_mappings.text.symptoms", "fhir_mappings.text.triggers",
)  # fmt: skip
"""Rooms whose patterns see one sentence at a time, which is cut at `LONGEST_SENTENCE`."""

TIDIED_ROOMS = ("fhir_mappings.text.layout", "fhir_mappings.text.sections")
"""Rooms whose patterns see the text of a report without long runs of blanks and dashes."""

NOT_SERVING = ("cds_service.check",)
"""Rooms of a command that reads the answers of a service that one runs oneself."""

AT_A_PLACE = frozenset({"match", "fullmatch"})
SHORT, LONG = 1_000, 10_000
MOST_S = 0.5
"""Processor time of one pattern on one hostile sentence (assumption); an exponential one would need years."""

Pattern = tuple[str, str, int, bool]


@cache
def patterns() -> tuple[Pattern, ...]:
    """Room, pattern, flags, and whether it is of bytes, of every one that is made at import or by a call."""
    run = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return tuple(tuple(one) for one in json.loads(run.stdout.splitlines()[-1]))


def serving() -> list[Pattern]:
    """Those that read what a caller sends."""
    return [one for one in patterns() if not one[0].startswith(NOT_SERVING)]


def is_only_matched_at_a_place(one: Pattern) -> bool:
    """True where the source of a pattern's room only ever matches it at a place, and never searches with it."""
    module = importlib.import_module(one[0])
    names = [name for name, held in vars(module).items() if isinstance(held, re.Pattern) and _text(held) == one[1]]
    uses = set(chain.from_iterable(_uses(module, name) for name in names))
    return bool(uses) and uses <= AT_A_PLACE


def _uses(module: ModuleType, name: str) -> list[str]:
    return re.findall(rf"\b{name}\.(\w+)", inspect.getsource(module))


def _text(pattern: re.Pattern[Any]) -> str:
    return pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else str(pattern.pattern)


def uses(one: Pattern) -> Iterator[Callable[[Any], object]]:
    """What is done with a pattern: anchored, and searched unless its room never does."""
    _, text, flags, of_bytes = one
    compiled: re.Pattern[Any] = re.compile(text.encode("latin-1") if of_bytes else text, flags)
    yield compiled.fullmatch
    yield compiled.match
    if not is_only_matched_at_a_place(one):
        yield lambda subject: sum(1 for _ in compiled.finditer(subject))


def subject(one: Pattern, text: str) -> str | bytes:
    """The text as the pattern takes it."""
    text = without_long_runs(re.sub(r"\n{2,}", "\n", text)) if one[0] in TIDIED_ROOMS else text
    return text.encode("latin-1", "replace") if one[3] else text


def seconds(use: Callable[[Any], object], text: Any) -> float:
    """Processor time, the least of three where it is not clear at once."""
    taken: list[float] = []
    for _ in range(3):
        begun = time.thread_time()
        use(text)
        taken.append(time.thread_time() - begun)
        if taken[-1] < 0.002:
            break
    return min(taken)


def grows_faster_than_its_text(one: Pattern, use: Callable[[Any], object], short: str, long: str) -> bool:
    """True where ten times the text takes more than thirty times as long."""
    of_long = seconds(use, subject(one, long))
    return of_long > 0.005 and of_long > 30 * seconds(use, subject(one, short))


def test_the_patterns_are_found():
    """At import, made from lexicons, and compiled where they are used."""
    rooms = {one[0] for one in patterns()}
    assert {"fhir_mappings.quirks", "fhir_mappings.text.symptoms", "cds_service.outbound.hosts"} <= rooms
    assert set(SENTENCE_ROOMS) <= rooms
    assert 200 < len(patterns())


@pytest.mark.slow
def test_patterns_that_read_whole_texts_take_time_in_proportion():
    """Ten times a hostile text takes some ten times as long, for every repetition of every pattern."""
    slow = [
        (one[0], one[1][:80], pump)
        for one in serving() if one[0] not in SENTENCE_ROOMS
        for use in uses(one) for pump in pumps(one[1], one[2])
        if grows_faster_than_its_text(one, use, pump.grown(SHORT), pump.grown(LONG))
    ]  # fmt: skip
    assert [] == slow


@pytest.mark.slow
def test_patterns_that_read_sentences_take_little_on_the_longest():
    """They may try again, but not for long: a sentence is cut, and long runs are cut before."""
    slow = [
        (one[0], one[1][:80], pump)
        for one in serving() if one[0] in SENTENCE_ROOMS
        for use in [*uses(one)][-1:] for pump in pumps(one[1], one[2])
        if seconds(use, without_long_runs(pump.grown(LONGEST_SENTENCE))) > MOST_S
    ]  # fmt: skip
    assert [] == slow


@pytest.mark.parametrize(
    ("bad", "lengths"),
    [
        (r"(a+)+$", (10, 18)),
        (r"(a|a)*b", (10, 16)),
        (r"[A-Z][\w'-]*(?:[ /&-]+[\w'()-]+){0,5} ?:", (10, 20)),
        (r"\s*(<)?\s*x", (50, 200)),
        (r"[.;!?]+(?:\s+|$)", (300, 3000)),
        (r"\w*chang\w*z", (100, 400)),
    ],
)
def test_a_bad_pattern_would_be_found(bad: str, lengths: tuple[int, int]):
    """The texts and the measure are able to: exponential and polynomial ones take far longer than their text is."""
    one = ("tests.test_backtracking", bad, 0, False)
    use = [*uses(one)][-1]
    grown = [
        seconds(use, pump.grown(lengths[1])) / max(1e-6, seconds(use, pump.grown(lengths[0])))
        for pump in pumps(bad, re.UNICODE)
    ]
    assert 2.5 * lengths[1] / lengths[0] < max(grown)


UNITS = (
    " ", "\n", "\u3000", ".", ";", "A", "a", "0", "-", "(", "<", "&", "\\", "/", ":", "*", "1. ", ". ", "A/", "\n ",
    "- ", "-a", "A-a ", "<p>", "<a ", "<!--", "leg ", "is ", "score ", "A: ", "Dr. ", "https://",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_a_call_with_a_hostile_report_and_a_hostile_value_is_answered_in_time(unit: str):
    """End to end: 50,000 characters of it, three times in reports, in a result's number, text and unit."""
    text = unit * (50_000 // len(unit))
    number, worded, measured = (b.observation("2345-7", 130, "mg/dL", 1, name) for name in ("g1", "g2", "g3"))
    number["valueQuantity"]["value"] = f"{text}x"
    worded["valueString"] = f"{text}x"
    del worded["valueQuantity"]
    measured["valueQuantity"]["unit"] = text
    body = request(
        prefetch=prefetch(
            reports=b.searchset(
                b.report(f"FINDINGS: No hemorrhage. {text}x\nFINDINGS{text}", title="CT addendum"),
                b.report(f"FINDINGS{text}x", id_="r2"),
            ),
            labs=b.searchset(number, worded, measured),
        )
    )
    service, begun = client(scores_in_notes=True, text_fallbacks=True), time.process_time()
    assert 200 == service.post("/cds-services/end-risk", json=body).status_code
    assert 5 > time.process_time() - begun


@pytest.mark.parametrize("line", ["-" * 72, "- " * 40, "=-" * 30, "_" * 72, "." * 72, "/" * 72, "x" * 72])
def test_a_line_of_signs_below_a_heading_costs_nothing_and_hides_nothing(line: str):
    """Reports are typed with them: the finding below is read all the same, at once."""
    text = f"IMPRESSION{line}\nAcute hemorrhage in the left basal ganglia.\nEnd of report{line}"
    begun = time.process_time()
    answer = client().post(
        "/cds-services/end-risk", json=request(prefetch=prefetch(reports=b.searchset(b.report(text))))
    )
    assert 2 > time.process_time() - begun
    assert "a report reads as intracranial hemorrhage present" in str(answer.get_json())


def test_short_runs_dates_and_ordinary_words_stay_as_they_are():
    """Nothing that a report says is touched."""
    text = (
        "Follow-up 2026-03-02, 12/03/2026: T2-FLAIR left-sided M1-occlusion --- see https://ehr.example/a/b.\nNo. III."
    )
    assert text == without_long_runs(text)
    assert "a b c d e f g /// xxx 10000" == without_long_runs("a-b-c-d-e-f-g ////// xxxxxx 10000")
