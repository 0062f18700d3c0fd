"""The network trained: the same each time, true effects found, absence learned from copies, tuned in folds of stays."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from models.design import FindingTerm
from models.likelihood import Targets
from models.net import FusionNet
from models.training.additive import problem_of
from models.training.deep import DeepSettings
from models.training.fit import Fit, FitSettings, _head_counts, fit
from models.training.learning import APART, evidence_of, learning_of, taken_away
from models.training.table import Table, stacked_tables
from tests.models.trained import SMALL, TRUE_DENSE, TRUE_NIHSS, config, table

DESIGN = config().design
NIHSS = DESIGN.features.index("nihss_baseline")
QUICK = replace(SMALL, heads=2, ridges=(100.0,))


def fitted(rows: Table, settings: FitSettings = QUICK, *, reports: bool = True) -> Fit:
    """The network for these rows."""
    return fit(rows, DESIGN.terms, settings, reports=reports)


@cache
def large() -> Fit:
    """A network on many stays of the small cohort's kind."""
    return fitted(table(1500), replace(SMALL, heads=2))


def loss(found: Fit, rows: Table) -> float:
    """-log likelihood a row."""
    return float(problem_of(torch.zeros(len(rows), 0), rows.targets).loss(found.logits(rows), torch.zeros(1)).mean())


def test_the_same_seed_gives_the_same_weights():
    """Two fits are equal bit for bit, held-out answers too; another seed draws other heads."""
    one, two, other = (fitted(table(120), replace(QUICK, seed=seed)) for seed in (3, 3, 4))
    for name, tensor in one.net.state_dict().items():
        assert torch.equal(tensor, two.net.state_dict()[name]), name
    assert torch.equal(one.held_out, two.held_out)
    assert not torch.equal(one.net.weights, other.net.weights)


def test_known_effects_are_found():
    """The NIHSS and the hyperdense artery move the log-odds by about their true effects, and nothing else does."""
    net, rows = large().net, table(30, seed=9)
    batch = replace(rows.batch(), hours=torch.full((len(rows),), 24.0))
    sick, dense = batch.values.clone(), batch.findings.clone()
    sick[:, NIHSS] += 5.0  # of `table`: one SD
    dense[:, 0] = 1 - dense[:, 0]
    sign = dense[:, 0] * 2 - 1
    with torch.no_grad():
        before = net(batch).mean(0)[:, 0]
        by_nihss = net(replace(batch, values=sick)).mean(0)[:, 0] - before
        by_dense = (net(replace(batch, findings=dense)).mean(0)[:, 0] - before) * sign
        others = [
            float((net(replace(batch, values=_raised(rows, place))).mean(0)[:, 0] - before).mean())
            for place in range(len(DESIGN.features)) if place != NIHSS
        ]  # fmt: skip
    assert TRUE_NIHSS == pytest.approx(float(by_nihss.mean()), abs=0.25)
    assert TRUE_DENSE == pytest.approx(float(by_dense.mean()), abs=0.5)
    assert max(map(abs, others)) < TRUE_NIHSS / 2


def _raised(rows: Table, place: int) -> torch.Tensor:
    """The values with one feature an SD higher, or its flag set."""
    raised = rows.values.clone()
    raised[:, place] = 1.0 if rows.is_flag[place] else raised[:, place] + 5.0
    return raised


def test_a_network_that_knows_beats_one_that_does_not():
    """On fresh stays it explains more than intervals alone, and shuffled outcomes teach nothing of the sort."""
    fresh = table(400, seed=9)
    mixed = torch.randperm(len(table(1500)), generator=torch.Generator().manual_seed(0))
    held = table(1500)
    shuffled = replace(held, targets=Targets(*(getattr(held.targets, n)[mixed] for n in Targets.__annotations__)))
    assert loss(large(), fresh) < loss(fitted(shuffled), fresh) - 0.05


def test_held_out_answers_come_from_folds_that_did_not_see_the_row():
    """Changing what happened in one fold's stays leaves that fold's answers as they were, and moves the others'."""
    rows, settings = table(150), replace(QUICK, ridges=(100.0,), bends=(4.0,), axes=0)
    fold = learning_of(rows, DESIGN.terms, settings).fold[: len(rows)]
    flipped = replace(rows, targets=_all_end(rows, fold == 0))
    one, two = fitted(rows, settings), fitted(flipped, settings)
    assert torch.allclose(one.held_out[fold == 0], two.held_out[fold == 0], atol=1e-3)
    assert not torch.allclose(one.held_out[fold == 1], two.held_out[fold == 1], atol=1e-1)


def _all_end(rows: Table, where: torch.Tensor) -> Targets:
    """END between the row's hour and twelve hours later."""
    held = rows.targets
    return Targets(
        held.start, torch.where(where, held.start, held.after), torch.where(where, held.start + 12, held.until),
        held.event | where,
    )  # fmt: skip


def test_all_rows_of_a_stay_are_in_one_fold_with_its_copies():
    """No stay is on both sides of a fold."""
    rows = table(150)
    learning = learning_of(rows, DESIGN.terms, QUICK)
    assert 2 * len(rows) == len(learning.fold)
    for stay in set(rows.stays):
        places = [place for place, name in enumerate(rows.stays * 2) if name == stay]
        assert 1 == len(set(learning.fold[places].tolist()))
    assert {0, 1, 2} == set(learning.fold.tolist())


def test_without_reports_findings_and_notes_are_ignored():
    """The network of numbers alone answers the same whatever the reports say, and so do its held-out answers."""
    rows = table(150)
    other = replace(rows, joined=torch.rand_like(rows.joined), note=-rows.note)
    one, two = fitted(rows, reports=False), fitted(other, reports=False)
    assert torch.equal(one.held_out, two.held_out)
    assert torch.equal(one.logits(rows), two.logits(other))
    assert not torch.equal(fitted(rows).logits(rows), fitted(other).logits(other))


def test_the_network_reads_what_is_joined_and_not_what_the_rules_say():
    """The columns of the rules are for opponents."""
    rows = table(100)
    assert torch.equal(
        fitted(rows).net.weights, fitted(replace(rows, findings=torch.rand_like(rows.findings))).net.weights
    )


def test_each_copy_lacks_one_thing_or_all():
    """A modality, the reports, or everything: each drawn about as often, the same for the same seed."""
    rows = table(800)
    drawn, kinds = taken_away(rows, 1), len(DESIGN.modalities) + 1
    assert torch.equal(drawn, taken_away(rows, 1))
    assert not torch.equal(drawn, taken_away(rows, 2))
    assert {1, kinds} == set(drawn.sum(1).int().tolist())
    alone = drawn[drawn.sum(1) == 1].sum(0) / len(rows)
    assert pytest.approx([1 / (kinds + 1)] * kinds, abs=0.05) == alone.tolist()


def test_what_is_taken_away_is_gone_from_the_columns():
    """Values and masks of the modality, or findings and note; all else stays as it is."""
    rows, place = table(40), [one.id for one in DESIGN.modalities].index("laboratory")
    gone = torch.zeros(len(rows), len(DESIGN.modalities) + 1)
    gone[:20, place], gone[20:, -1] = 1, 1
    lacking, labs = rows.lacking(gone), rows.modalities[place] > 0
    assert 0 == float(lacking.observed[:20, labs].sum()) == float(lacking.values[:20, labs].abs().sum())
    assert torch.equal(rows.observed[:20, ~labs], lacking.observed[:20, ~labs])
    assert torch.equal(rows.joined[:20], lacking.joined[:20])
    assert torch.equal(rows.values[20:], lacking.values[20:])
    unread = torch.zeros(DESIGN.term_count)
    unread[-1] = 1
    assert torch.equal(unread.expand(len(rows) - 20, -1), lacking.joined[20:])
    assert 0 == float(lacking.note[20:].abs().sum()) == float(lacking.has_note[20:].sum())
    assert torch.equal(rows.targets.until, lacking.targets.until)


def test_a_row_without_laboratory_values_is_answered_as_the_mean_of_those_with():
    """Learned from copies: taking all laboratory values away, which say nothing here, hardly moves the risk."""
    rows, place = table(200, seed=9), [one.id for one in DESIGN.modalities].index("laboratory")
    gone = torch.zeros(len(rows), len(DESIGN.modalities) + 1)
    gone[:, place] = 1
    with_labs, without = large().logits(rows), large().logits(rows.lacking(gone))
    assert abs(float((with_labs - without).mean())) < 0.2
    assert loss(large(), rows.lacking(gone)) < loss(large(), rows) + 0.03


def test_heads_see_each_stay_as_often_with_all_its_rows_and_copies():
    """Counts are positive, one on average, the same for all rows of a stay, and differ from head to head."""
    rows = table(500)
    learning = learning_of(rows, DESIGN.terms, replace(QUICK, heads=3))
    counts = _head_counts(learning)
    assert (3, 2 * len(rows)) == tuple(counts.shape)
    assert float(counts.min()) > 0
    assert pytest.approx([1.0] * 3, abs=0.15) == counts.mean(1).tolist()
    assert torch.equal(counts[:, : len(rows)], counts[:, len(rows) :])
    by_stay = {stay: counts[:, place].tolist() for place, stay in enumerate(rows.stays)}
    assert all(counts[:, place].tolist() == by_stay[stay] for place, stay in enumerate(rows.stays))
    assert not torch.allclose(counts[0], counts[1])


def test_copies_weigh_as_little_as_they_are_told():
    """A tenth of a row each."""
    rows = table(60)
    counts = learning_of(rows, DESIGN.terms, QUICK).problem.counts
    assert {1.0} == set(counts[: len(rows)].tolist())
    assert [QUICK.dropped] * len(rows) == pytest.approx(counts[len(rows) :].tolist())


def test_the_assertions_of_a_finding_share_a_weight():
    """Present, uncertain and absent of one finding stand on one scale; narrowed and single terms on none."""
    terms = [
        FindingTerm("a", "", "occlusion", "present"), FindingTerm("b", "", "occlusion", "absent"),
        FindingTerm("c", "", "occlusion", "uncertain"), FindingTerm("d", "", "occlusion", "present", sites=("m1",)),
        FindingTerm("e", "", "edema", "present"),
    ]  # fmt: skip
    assert [[1.0], [-1.0], [0.5], [0.0], [0.0], [0.0]] == evidence_of(terms).tolist()


def test_the_ridge_of_each_column_is_that_of_its_kind():
    """Values and gaps as chosen, bends and fading stiffer, assertions apart stiffest, time and intervals hardly."""
    learning = learning_of(table(60), DESIGN.terms, replace(QUICK, axes=2))
    found = fit(table(60), DESIGN.terms, replace(QUICK, axes=2)).choice
    ridge, shape = learning.ridge(replace(found, ridge=10.0, bend=4.0, axes=False)), learning.net.shape
    assert shape.columns + learning.evidence.shape[1] == len(ridge)
    first = shape.features * (2 + shape.knots)
    assert {10.0} == set(ridge[: shape.features].tolist())
    assert {40.0} == set(ridge[shape.features : shape.features * (1 + shape.knots)].tolist())
    assert {10.0 * APART} == set(ridge[first : first + shape.findings].tolist())
    assert {float("inf")} == set(ridge[shape.base - shape.axes : shape.base].tolist())
    assert {10.0} == set(ridge[shape.columns :].tolist())


def test_an_axis_that_was_not_earned_has_no_weight():
    """Notes of noise: their axes stay at exactly zero, however the others are solved."""
    found = large()
    shape = found.net.shape
    assert shape.axes > 0
    assert not found.choice.axes
    assert 0 == float(found.net.weights[:, shape.base - shape.axes : shape.base].abs().max())


def test_a_note_that_tells_earns_its_axes():
    """Where the note's first number holds the outcome's own log-odds, the axes of the text count."""
    rows = table(500)
    told = (rows.values[:, NIHSS : NIHSS + 1] - 10) / 5 + 2 * rows.joined[:, :1]
    note = torch.cat([4 * told, 0.1 * rows.note[:, 1:]], dim=1)
    blind = replace(rows, note=note, values=rows.values * 0, observed=rows.observed * 0, joined=rows.joined * 0)
    assert fitted(blind, replace(QUICK, axes=2)).choice.axes


def test_additive_data_gives_the_deep_part_next_to_nothing():
    """The truth of the small cohort adds up: whatever was let in by chance changes little on fresh stays."""
    fresh = table(400, seed=9)
    assert loss(_without_deep(large()), fresh) == pytest.approx(loss(large(), fresh), abs=0.005)


def test_an_interaction_earns_a_deep_part_that_helps():
    """END where exactly one of two signs is there: the deep part is kept and explains fresh stays better."""
    settings = replace(QUICK, axes=0, deep=DeepSettings(epochs=40, rate=2e-2, decay=0.01, batch=128))
    found, fresh = fitted(exclusive(1500, 0), settings), exclusive(500, 1)
    assert found.choice.epochs > 0
    assert loss(found, fresh) < loss(_without_deep(found), fresh) - 0.02


def _without_deep(found: Fit) -> Fit:
    net = FusionNet(found.net.shape)
    net.load_state_dict(found.net.state_dict() | {"deep_out": torch.zeros_like(found.net.deep_out)})
    return replace(found, net=net.requires_grad_(False))


def exclusive(stays: int, seed: int) -> Table:
    """One row a stay, at hour 1, alike in all but two signs: END is likely where these differ."""
    rows = table(stays, seed)
    rows = rows.where((rows.targets.start == 1).tolist())
    rng = np.random.default_rng([seed, 2])
    one, two = (torch.from_numpy(rng.choice([0.0, 1.0], len(rows))).float() for _ in range(2))
    event = torch.from_numpy(rng.random(len(rows))) < torch.where(one == two, 0.15, 0.85)
    joined = torch.zeros_like(rows.joined)
    joined[:, 0], joined[:, 1] = one, two
    start = rows.targets.start
    until = torch.where(event, start + 24, torch.full_like(start, 168.0))
    alike = {"values": torch.ones_like(rows.values), "observed": torch.ones_like(rows.observed)}
    return replace(rows, joined=joined, targets=Targets(start, start, until, event), **alike)


def test_few_stays_with_end_leave_few_weights_free():
    """A fifth of the stays with END bounds the effective parameters, unless even the stiffest ridge leaves more."""
    rows = table(120)
    found = fitted(rows, replace(QUICK, ridges=(0.1, 1.0, 1e4), bends=(4.0,)))
    ended = len({stay for stay, event in zip(rows.stays, rows.targets.event.tolist(), strict=True) if event})
    assert found.effective_parameters <= ended / 5 * 1.2
    assert found.choice.ridge == 1e4
    assert 0 < found.effective_parameters < large().effective_parameters


def test_rows_of_two_sources_can_be_learned_from_together():
    """Stacked tables are their rows, one after another."""
    one, two = table(60), table(40, seed=5)
    both = stacked_tables([one, two])
    assert len(one) + len(two) == len(both)
    assert torch.equal(both.joined[len(one) :], two.joined)
    assert np.array_equal(both.outcomes()[: len(one)], one.outcomes(), equal_nan=True)
