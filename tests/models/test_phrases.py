"""The two halves of the phrases: apart by construction and word family, alike in what they can state."""

import ast
import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from models.simulation.grammar import VOICES, Phrase, list_frames, listed, phrases_of, spelled, ways
from models.simulation.phrasebook import PHRASINGS, Construction, Phrasing, half, phrases_sha256
from models.simulation.statements import PHRASES, Statement, plan

ROOT = Path(__file__).parents[2]
STATEMENTS = [
    (scan, one) for scan, each in plan().scans.items() for several in each.statements.values() for one in several
]
NAMED = [f"{scan}-{one.id}" for scan, one in STATEMENTS]
SITE_WORDS = {
    "ica": r"\bICA\b|internal carotid", "tandem": r"\btandem\b", "m1": r"\bM1\b", "m2": r"\bM2\b", "m3": r"\bM3\b",
}  # fmt: skip


def _plain(text: str) -> str:
    """A text without case, punctuation and the kind of its braces: what makes two frames the same."""
    return " ".join(re.sub(r"[^a-z{} ]", " ", re.sub(r"\{\w+\}", "{}", text.casefold())).split())


def _all(phrasing: Phrasing) -> Iterator[tuple[str, Phrase]]:
    """Every phrase of a half, with the finding that it is about."""
    for scan, statement in STATEMENTS:
        for phrase in phrases_of(phrasing, scan, statement):
            yield statement.about, phrase


def _constructions(phrasing: Phrasing) -> tuple[Construction, ...]:
    return (*half(phrasing).constructions, *half(phrasing).lists)


def _numbers(text: str) -> set[str]:
    return set(re.findall(r"\{(?:points|mm|cm|percent)\}", text))


def test_a_construction_or_family_belongs_to_one_half():
    """No id occurs twice, in one half or in both."""
    ids = [one.id for phrasing in PHRASINGS for one in (*_constructions(phrasing), *half(phrasing).families)]
    assert sorted(set(ids)) == sorted(ids)


def test_no_frame_of_one_half_is_a_frame_of_the_other():
    """Constructions differ in their words, not only in case, punctuation or slot."""
    training, held_out = ({_plain(f) for one in _constructions(p) for f in one.frames} for p in PHRASINGS)
    assert set() == training & held_out
    assert _plain("No evidence of {x}.") == _plain("no evidence of {X}") in training


def test_no_family_word_of_one_half_is_a_family_word_of_the_other():
    """Word families are disjoint, but for the words that the plan declares as having no other."""
    training, held_out = ({w.casefold() for one in half(p).families for w in one.words} for p in PHRASINGS)
    assert {"ASPECTS".casefold()} == training & held_out
    assert training & held_out <= {word.casefold() for word in plan().shared_words}


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_family_word_is_not_even_used_by_the_other_half_for_the_same_finding(phrasing: Phrasing):
    """A model that knows one half's words for a finding meets none of them in the other half."""
    other: Phrasing = "held-out" if phrasing == "training" else "training"
    words = {(one.about, word.casefold()) for one in half(other).families for word in one.words}
    shared = {word.casefold() for word in plan().shared_words}
    texts: dict[str, str] = {}
    for about, phrase in _all(phrasing):
        texts[about] = f"{texts.get(about, '')}\n{phrase.text.casefold()}"
    met = [(about, w) for about, w in words if w not in shared and re.search(rf"\b{w}\b", texts.get(about, ""))]
    assert [] == met


def test_no_rendered_phrase_is_in_both_halves():
    """Whole phrases differ as well."""
    training, held_out = ({_plain(phrase.text) for _, phrase in _all(phrasing)} for phrasing in PHRASINGS)
    assert set() == training & held_out


def test_slots_of_sizes_and_fillers_and_openings_are_apart():
    """Grades, filler sentences and openings differ; site names are those of the vessels."""
    training, held_out = half("training"), half("held-out")
    for grade in ("small", "moderate", "large"):
        assert set() == set(training.slots["size"][grade]) & set(held_out.slots["size"][grade])
    assert set() == set(training.openings) & set(held_out.openings)
    for scan, texts in training.fillers.items():
        assert set() == set(texts) & set(held_out.fillers[scan])


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_phrase_holds_a_word_of_its_family(phrasing: Phrasing):
    """The declared words are the words that are used, so that disjoint words mean disjoint phrases."""
    wordless = {
        phrase.family.id for _, phrase in _all(phrasing)
        if "{Label}" not in "".join(phrase.construction.frames)
        and not any(word.casefold() in phrase.text.casefold() for word in phrase.family.words)
    }  # fmt: skip
    assert set() == wordless


@pytest.mark.parametrize("phrasing", PHRASINGS)
@pytest.mark.parametrize(("scan", "statement"), STATEMENTS, ids=NAMED)
def test_every_statement_has_four_constructions_and_three_families(phrasing: Phrasing, scan: str, statement: Statement):
    """Wide phrasing in each half, templates not counted; a shared word excuses few families only."""
    prose = [one for one in phrases_of(phrasing, scan, statement) if one.construction.voice != "template"]
    assert 4 <= len({one.construction.id for one in prose})
    excused = statement.about == "aspects" and statement.about in plan().shared_words.values()
    assert (1 if excused else 3) <= len({one.family.id for one in prose})


@pytest.mark.parametrize("phrasing", PHRASINGS)
@pytest.mark.parametrize(("scan", "statement"), STATEMENTS, ids=NAMED)
def test_a_phrase_says_the_number_the_site_and_the_grade_that_it_states(
    phrasing: Phrasing, scan: str, statement: Statement
):
    """No more and no less: a number where one is stated, a site only where one is stated."""
    for phrase in phrases_of(phrasing, scan, statement):
        assert statement.value == bool(_numbers(phrase.text)), phrase.text
        if statement.site:
            assert re.search(SITE_WORDS[statement.site], phrase.text, re.IGNORECASE), phrase.text
        if statement.about == "occlusion" and statement.state in ("present", "uncertain"):
            said = {site for site, word in SITE_WORDS.items() if re.search(word, phrase.text, re.IGNORECASE)}
            assert said == {statement.site} - {None} or statement.site == "tandem", phrase.text
        if statement.grade:
            graded = phrase.family.grade == statement.grade
            sizes = half(phrasing).slots["size"].get(statement.grade, ())
            assert graded or any(size in phrase.text.casefold() for size in sizes), phrase.text


@pytest.mark.parametrize(("phrasing", "voice", "british"), list(product(PHRASINGS, VOICES, (True, False))))
def test_every_statement_can_be_said_in_every_voice(phrasing: Phrasing, voice: str, british: bool):
    """A report in any style and spelling can state everything, and a list has a noun for each finding."""
    for scan, each in plan().scans.items():
        sayable = ways(phrasing, scan, voice, british)
        assert all(
            sayable[one.id] and all(map(all, sayable[one.id]))
            for several in each.statements.values()
            for one in several
        )
        assert len(list_frames(phrasing, scan, voice)) > 0
        assert all(listed(phrasing, scan, about, british) for about in each.listed)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_no_construction_and_no_family_is_idle(phrasing: Phrasing):
    """Each can be drawn: a misspelt form or finding would leave one unused."""
    used = {(p.construction.id, p.family.id) for _, p in _all(phrasing)}
    source = half(phrasing)
    assert [] == [one.id for one in source.constructions if one.id not in {c for c, _ in used}]
    assert [] == [one.id for one in source.families if one.id not in {f for _, f in used}]


def test_british_spelling_changes_words_and_not_slots():
    """Spelling is a report's, in both halves, capital or not."""
    assert "Haemorrhagic and ischaemic grey {side}" == spelled("Hemorrhagic and ischemic gray {side}", "training", True)
    assert "Haematoma" == spelled("Hematoma", "held-out", True)
    assert "Hematoma" == spelled("Hematoma", "held-out", False)


def test_a_shared_word_is_used_by_both_halves_and_has_its_reason():
    """The list of shared words holds no word that is not shared."""
    rows = tomllib.loads((PHRASES / "plan.toml").read_text("utf-8"))["shared_word"]
    assert all(len(row["reason"]) > 20 for row in rows)
    for row, phrasing in product(rows, PHRASINGS):
        assert any(row["word"] in phrase.text for about, phrase in _all(phrasing) if about == row["about"])


def test_every_setting_of_the_plan_has_its_source():
    """Shares are numbers: each with a source or the word assumption."""
    settings = tomllib.loads((PHRASES / "plan.toml").read_text("utf-8"))["settings"]
    assert all(row["source"].strip() for row in settings.values())
    assert set(settings) == set(plan().settings)


def test_everything_mentioned_can_be_stated():
    """Each finding with a share of mentions has a statement for each state that has a share."""
    for each in plan().scans.values():
        for about, (where_present, where_absent) in each.mention.items():
            assert not where_present or (about, "present") in each.statements
            assert not where_absent or (about, "absent") in each.statements or about == "aspects"


def test_the_phrases_are_frozen():
    """Every phrase file has the committed hash; a change is a new version of the cohort."""
    lines = (PHRASES / "SHA256SUMS").read_text("utf-8").splitlines()
    frozen = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {str(p.relative_to(PHRASES)): hashlib.sha256(p.read_bytes()).hexdigest() for p in PHRASES.rglob("*.toml")}
    assert frozen == found
    assert hashlib.sha256((PHRASES / "SHA256SUMS").read_bytes()).hexdigest() == phrases_sha256()


_WATCH = """
import importlib, pkgutil, sys
from datetime import datetime, UTC
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
"""

_TRAIN_AND_READ = """
import models.training
for module in pkgutil.iter_modules(models.training.__path__):
    importlib.import_module(f"models.training.{module.name}")
from fhir_mappings.snapshot import Report
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.sections import sentences_of
now = datetime(2026, 1, 1, tzinfo=UTC)
assert read_findings(sentences_of([Report("CT head", "FINDINGS: No hemorrhage.", now, now, "DiagnosticReport/1")]))
"""

_DRAW = """
from models.simulation.world import load_world
from tests.models.simulated_subjects import subjects, written
world = load_world("a")
reports = [report for subject in subjects(world, 20) for report in written(world, subject, PHRASING)]
assert reports
print(sum("phrases/training" in path for path in opened), sum("phrases/held_out" in path for path in opened))
"""


def _opened(*steps: str) -> list[int]:
    """How many files of each half a process opens that takes these steps."""
    code = "".join((_WATCH, *steps))
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return [int(count) for count in run.stdout.split()]


def test_training_and_lexicon_never_open_the_held_out_half():
    """Imports of the training code, the reader of findings and reports for training open one half only."""
    training, held_out = _opened(_TRAIN_AND_READ, _DRAW.replace("PHRASING", "'training'"))
    assert (True, 0) == (training > 0, held_out)


def test_the_watch_sees_the_held_out_half_where_it_is_opened():
    """The check above can fail: reports in held-out phrasing open that half."""
    assert _opened(_DRAW.replace("PHRASING", "'held-out'"))[1] > 0


def _strings(path: Path) -> set[str]:
    """The texts in a source file, docstrings and parts of f-strings included; a data file's whole text."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return {text}
    return {n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _names_the_half(path: Path) -> bool:
    texts = _strings(path)
    parts = {"phrases", "held_out"} <= texts
    return parts or any("phrases/held_out" in text for text in texts)


def test_no_source_outside_the_simulator_names_the_held_out_half():
    """Neither code nor data points there, nor imports what reads phrases."""
    rooms = [ROOT / name for name in ("cds_service", "fhir_mappings", "models", "benchmarks")]
    files = [path for room in rooms for suffix in (".py", ".toml") for path in room.rglob(f"*{suffix}")]
    outside = [path for path in files if not path.is_relative_to(ROOT / "models" / "simulation")]
    assert len(outside) > 100
    assert [] == [path.name for path in outside if _names_the_half(path)]
    readers = re.compile(r"simulation\.grammar|simulation\.phrasebook import .*\bhalf\b|simulation import .*phrasebook")
    assert [] == [path.name for path in outside if readers.search(path.read_text("utf-8"))]
    assert readers.search("from models.simulation.phrasebook import Phrasing, half")
    assert _names_the_half(Path(__file__))
