"""Training of the reader: what it is taught, a loop that repeats itself bit for bit, and one that goes on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.reader import ASSERTIONS, Detail, Heads, Scores, load_reader
from models.simulation.reports import Stated
from models.simulation.sentences import LabeledSentence
from models.training.fit_reader import FittedReader, batches, fit_reader, loss_of, scores_of
from models.training.reader_figures import reader_figures, temperatures
from models.training.reader_parts import LONGEST, by_wording, chained, lessons, spec_of, targets_of
from models.training.train_reader import train_reader
from tests.models.small_reader import SPEC, small_model, tokenizer
from tests.models.taught import SETTINGS, labeled, small_corpus

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # in peft

KEPT = {"nouns": ["bleed"], "cues": ["spared"]}


def fitted(checkpoint: Path | None = None, limit: int | None = None, **changes: object) -> FittedReader:
    """A fit of the small corpus, validated on its "bleed" and "spared" sentences."""
    known, new = by_wording(small_corpus(), KEPT)
    return fit_reader(
        lessons(known, SPEC), lessons(new, SPEC), SPEC, replace(SETTINGS, **changes),  # type: ignore[arg-type]
        transformer=(tokenizer(), small_model()), progress=lambda _: None, checkpoint=checkpoint, limit=limit,
    )  # fmt: skip


def test_validation_has_only_wording_that_training_never_sees():
    """No training sentence has a kept word; each validation sentence has one and states something."""
    known, new = by_wording([*small_corpus(), LabeledSentence("All spared.", "findings", (), None)], KEPT)
    assert not [one.text for one in known if "bleed" in one.text or "spared" in one.text]
    assert all(("bleed" in one.text or "spared" in one.text) and one.stated for one in new)
    assert 24 == len(known) == len(new)


def test_kept_wording_is_whole_words_in_any_case():
    """A cue inside another word is no cue."""
    corpus = [labeled("BLEED.", "present"), labeled("Bleeding.", "present")]
    assert (["Bleeding."], ["BLEED."]) == tuple([one.text for one in part] for part in by_wording(corpus, KEPT))


def test_targets_are_what_the_sentence_states():
    """Assertion, site, bounds and side each have their place; what is not stated is not mentioned."""
    both = (Stated("t", "occlusion", "absent", site="m2"), Stated("t", "occlusion", "present", site="m1"))
    corpus = [LabeledSentence("t", "findings", (*both, Stated("t", "aspects", "uncertain", value=7)), "left")]
    targets = targets_of(corpus, SPEC)
    assert [["none", "present", "uncertain"]] == [[ASSERTIONS[one] for one in row] for row in targets.assertions]
    assert [[1.0, 0.0, 1.0]] == targets.details.tolist()
    assert [1] == targets.sides.tolist()


def test_a_chain_states_all_that_its_sentences_state():
    """No statement is lost or added, the order stays, and no chain is longer than three sentences."""
    corpus = small_corpus()
    chains = chained(corpus, 0.9, 1)
    assert [one for sentence in corpus for one in sentence.stated] == [one for chain in chains for one in chain.stated]
    assert len(corpus) / LONGEST <= len(chains) < len(corpus)
    assert all(chain.text.count("lobe") <= LONGEST for chain in chains)
    assert [one.text for one in corpus] == [one.text for one in chained(corpus, 0.0, 1)]


def test_a_denial_is_never_followed_by_a_comma():
    """One "no" before a comma would deny both: only what is present is run on with a comma."""
    corpus = [labeled("No bleed.", "absent"), labeled("M1 occluded.", "present", "occlusion")] * 200
    texts = [one.text for one in chained(corpus, 1.0, 1)]
    assert not [text for text in texts if "No bleed, " in text]
    assert [text for text in texts if "M1 occluded, " in text]


def test_a_chain_of_two_sides_is_of_both():
    """One side stays; left and right are both."""
    left, right, none = (LabeledSentence("t", "findings", (), side) for side in ("left", "right", None))
    assert ["both"] == [one.side for one in chained([left, right], 1.0, 1)]
    assert ["left"] == [one.side for one in chained([none, left], 1.0, 1)]


def test_the_specification_follows_the_corpus():
    """Sites and grades that are stated often are read, rare ones are not, bounds always."""
    bound = Detail("aspects", "at_most", 7.0)
    corpus = [labeled("t", "present", "occlusion", site=site) for site in ["m1"] * 50 + ["m2"] * 49]
    assert (Detail("occlusion", "site", "m1"), bound) == spec_of(corpus, [bound]).details


def test_batches_hold_each_sentence_once_and_like_lengths_together():
    """A partition in shuffled order; within a batch the lengths differ less than over all."""
    texts = ["x" * length for length in range(200)]
    cut = list(batches(texts, 8, np.random.default_rng(0)))
    assert list(range(200)) == sorted(place for rows in cut for place in rows)
    assert all(max(rows) - min(rows) < 16 for rows in cut)
    assert cut != sorted(cut)


def test_what_is_not_mentioned_teaches_no_assertion():
    """The loss does not depend on assertion or details of findings that the sentence does not mention."""
    targets = targets_of([labeled("t", "present")], SPEC)
    plain = Scores(torch.zeros(1, 3), torch.zeros(1, 3, 5), torch.zeros(1, 3), torch.zeros(1, 4))
    other = torch.zeros(1, 3, 5)
    other[0, 1:] = torch.randn(2, 5)
    changed = replace(plain, assertion=other, detail=torch.ones(1, 3))
    assert float(loss_of(plain, targets, SPEC)) == pytest.approx(float(loss_of(changed, targets, SPEC)))
    assert float(loss_of(plain, targets, SPEC)) == pytest.approx(3 * np.log(2) + np.log(5) + np.log(4), rel=1e-5)


def test_training_learns_its_corpus():
    """After some passes the likeliest assertion of the training sentences is the stated one."""
    corpus = small_corpus()
    lesson = lessons(corpus, SPEC)
    found = fit_reader(
        lesson, None, SPEC, replace(SETTINGS, epochs=30, dropout=0.0),
        transformer=(tokenizer(), small_model()), progress=lambda _: None,
    )  # fmt: skip
    scores = scores_of(found.learner, found.tokenizer, lesson.texts, found.settings)
    figures = reader_figures(found.learner.heads, scores, lesson.targets, SPEC)
    assert found.parts[-1].training < found.parts[0].training / 2
    assert min(figures[one] for one in ("mention_recall", "mention_precision", "assertion_right")) > 0.9


def test_the_same_seed_gives_the_same_reader():
    """Bit for bit on one thread, and another seed gives another reader."""
    one, same, other = fitted(), fitted(), fitted(seed=2)
    assert all(torch.equal(weight, same.learner.weights()[name]) for name, weight in one.learner.weights().items())
    assert not torch.equal(one.learner.weights()["heads.query"], other.learner.weights()["heads.query"])


def test_a_fit_that_was_cut_off_goes_on_as_if_it_were_not(tmp_path: Path):
    """From the checkpoint of one part the rest gives the weights of an uninterrupted fit."""
    whole = fitted()
    fitted(tmp_path / "c", limit=1)
    resumed = fitted(tmp_path / "c")
    assert 4 == len(whole.parts) == len(resumed.parts)
    assert whole.parts == resumed.parts
    for name, weight in whole.learner.weights().items():
        assert torch.equal(weight, resumed.learner.weights()[name]), name


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path):
    """The file is named."""
    fitted(tmp_path / "c", limit=1)
    with pytest.raises(ValueError, match=r"c is the checkpoint of a fit with other settings"):
        fitted(tmp_path / "c", rate=1e-4)


def test_a_checkpoint_of_other_sentences_is_refused(tmp_path: Path):
    """A corpus that changed is not gone on with."""
    fitted(tmp_path / "c", limit=1)
    with pytest.raises(ValueError, match="other settings or sentences"):
        fit_reader(
            lessons(small_corpus(), SPEC), None, SPEC, SETTINGS,
            transformer=(tokenizer(), small_model()), checkpoint=tmp_path / "c",
        )  # fmt: skip


def test_a_fit_stops_when_new_wording_is_read_no_better():
    """With steps far too large validation gets worse: the best part's weights are kept, the rest is not run."""
    found = fitted(epochs=20, rate_heads=5.0, patience=1)
    held = [one.validation for one in found.parts]
    assert len(found.parts) == found.best + 3 - (len(found.parts) == 40)
    assert min(one for one in held if one is not None) == held[found.best]


def test_a_frozen_transformer_learns_heads_only():
    """Without targets there are no adapters, and the transformer keeps its weights."""
    weights = fitted(targets=()).learner.weights()
    assert not [name for name in weights if name.startswith("adapters.")]
    assert [name for name in weights if name.startswith("heads.")]


def test_temperatures_find_what_the_logits_were_multiplied_by():
    """Overconfident logits, three times too large, are given a temperature near three."""
    torch.manual_seed(0)
    true = torch.randn(4000, 3), torch.randn(4000, 3, 5), torch.randn(4000, 3), torch.randn(4000, 4)
    named = (torch.rand(4000, 3) < torch.sigmoid(true[0])).long()
    how = torch.distributions.Categorical(logits=true[1]).sample() + 1
    targets = targets_of([], SPEC)
    targets = replace(
        targets, assertions=named * how, sides=torch.distributions.Categorical(logits=true[3]).sample(),
        details=(torch.rand(4000, 3) < torch.sigmoid(true[2])).float(),
    )  # fmt: skip
    found = temperatures(Scores(*(3 * one for one in true)), targets, SPEC)
    assert [3.0] * 4 == pytest.approx(found.tolist(), rel=0.15)


def test_figures_count_what_was_read():
    """A head that reads everything right has AUC and shares of one; findings without both kinds have no AUC."""
    targets = targets_of([labeled("a", "present"), labeled("b", "absent"), labeled("c", "present", "occlusion")], SPEC)
    right = torch.nn.functional.one_hot(targets.assertions, 6).float() * 40 - 20
    scores = Scores(
        20 * (targets.assertions > 0).float() - 10, right[:, :, 1:], targets.details * 40 - 20, torch.zeros(3, 4)
    )
    figures = reader_figures(Heads(SPEC, 4), scores, targets, SPEC)
    assert {"hemorrhage": 1.0, "occlusion": None, "aspects": None} == figures["auc_present"]
    assert 1.0 == figures["mention_recall"] == figures["assertion_right"] == figures["detail_right"]


def test_a_reader_is_trained_into_a_folder(tmp_path: Path):
    """From config and corpus to a folder that loads; the real encoder is named, and no checkpoint is left."""
    fit = {key: value for key, value in vars(SETTINGS).items() if key != "targets"} | {
        "targets": ["value"],
        "epochs": 1,
    }
    raw = {
        "name": "small", "version": "1", "fit": fit, "bound": [], "corpus": {"sentences": 48, "chained": 0.3},
        "encoder": {"name": "all-MiniLM-L6-v2", "dimensions": 384}, "validation": {**KEPT, "sentences": 20},
    }  # fmt: skip
    train_reader(raw, small_corpus(), tmp_path / "r", progress=lambda _: None)
    assert ["r"] == [path.name for path in tmp_path.iterdir()]
    reading = load_reader(tmp_path / "r").read(["Hemorrhage in the pons."])
    assert (1, 25, 6) == tuple(reading.assertions.shape)
    manifest = json.loads((tmp_path / "r" / "reader.json").read_text())
    assert 20 == manifest["new_wording"]["sentences"]
