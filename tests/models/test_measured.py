"""What is measured on the training rows: scaling, knots, the text's axes, the average row, and how far is too far."""

from dataclasses import replace

import pytest
import torch

from models.net import FusionNet
from models.reach import SD_LIMIT, SPREAD_QUANTILE, measured_z, reach_of, too_far
from models.training.measured import FEWEST_VALUES, KNOTS, NEVER, measured_net
from models.training.table import Table
from tests.models.trained import config, table, trained

DESIGN = config().design
NIHSS, FLAG = DESIGN.features.index("nihss_baseline"), DESIGN.features.index("diabetes")


def measured(rows: Table, axes: int = 3) -> FusionNet:
    """The untrained network of these rows."""
    return measured_net(rows, axes, 2, 4)


def test_observed_values_have_mean_0_and_sd_1():
    """Whatever stands where nothing was observed does not count."""
    rows = table(200)
    wild = replace(rows, values=torch.where(rows.observed > 0, rows.values, torch.tensor(999.0)))
    net = measured(wild)
    z = net.standardized(wild.batch())
    glucose = DESIGN.features.index("glucose")
    held = z[rows.observed[:, glucose] > 0, glucose]
    assert (0.0, 1.0) == (pytest.approx(float(held.mean()), abs=1e-4), pytest.approx(float(held.std()), abs=1e-2))
    assert 0 == float(z[rows.observed == 0].abs().max())


def test_flags_and_constants_keep_their_unit():
    """A flag is 1 apart from its absence; a feature that never varies divides by 1, one never observed too."""
    rows = table(200)
    values, observed = rows.values.clone(), rows.observed.clone()
    values[:, 5], observed[:, 6] = 7.0, 0.0
    net = measured(replace(rows, values=values, observed=observed))
    assert [1.0] * 3 == [float(net.scale[place]) for place in (FLAG, 5, 6)]
    assert bool(net.center.isfinite().all())
    assert float(net.scale.min()) > 0


def test_effects_may_bend_at_quantiles_of_what_was_observed():
    """At a fifth, a half and four fifths; flags and rarely observed features do not bend."""
    rows = table(200)
    observed = rows.observed.clone()
    observed[FEWEST_VALUES - 1 :, 5] = 0.0
    net = measured(replace(rows, observed=observed))
    z = net.standardized(replace(rows, observed=observed).batch())[:, NIHSS]
    assert list(KNOTS) == pytest.approx([float((z < knot).float().mean()) for knot in net.knots[NIHSS]], abs=0.01)
    assert {NEVER} == set(net.knots[[FLAG, 5]].flatten().tolist())
    assert net.base(rows.batch()).isfinite().all()


def test_the_axes_of_the_text_are_its_widest_and_of_unit_spread():
    """Notes that vary along one direction far more than along the others: it is the first axis, whatever its sign."""
    rows = table(300)
    note = rows.note * torch.tensor([9.0, *[0.5] * 7]) + 2
    net = measured(replace(rows, note=note), axes=2)
    along = (note - net.text_mean) @ net.text_axes
    assert [1.0, 1.0] == pytest.approx(along.std(0).tolist(), abs=1e-2)
    assert [0.0, 0.0] == pytest.approx(along.mean(0).tolist(), abs=1e-3)
    first = net.text_axes[:, 0] / net.text_axes[:, 0].norm()
    assert float(first[0]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("width", [0, 8])
def test_without_notes_there_are_no_axes(width: int):
    """No reader, or no note that was read: the text has no column."""
    rows = table(60)
    bare = replace(rows, note=torch.zeros(len(rows), width), has_note=torch.zeros(len(rows)))
    net = measured(bare)
    assert 0 == net.shape.axes
    assert net(bare.batch()).isfinite().all()


def test_the_average_row_is_the_mean_of_the_columns():
    """Findings by how often they are there, gaps by how often they are."""
    rows = table(200)
    net, first = measured(rows), len(DESIGN.features) * (2 + len(KNOTS))
    assert torch.allclose(net.base(rows.batch()).mean(0), net.average, atol=1e-5)
    assert float(rows.joined[:, 0].mean()) == pytest.approx(float(net.average[first]), abs=1e-5)
    gap = net.average[first - len(DESIGN.features) : first]
    assert (1 - rows.observed.mean(0)).tolist() == pytest.approx(gap.tolist(), abs=1e-5)


def test_the_limit_of_the_spread_is_kept_by_the_training_rows():
    """All but one in two hundred of them lie within."""
    rows = table()
    net = trained().net
    limits = reach_of(net, rows.batch())
    within = (net.spread(rows.batch()) <= limits.spread).float().mean()
    assert SPREAD_QUANTILE == pytest.approx(float(within), abs=2 / len(rows))
    assert SD_LIMIT == limits.sd


def test_only_measurements_that_were_made_can_be_too_far():
    """Flags and gaps have no distance; the measurement beyond the limit is named."""
    rows = table(5, seed=3)
    one = rows.where([place == 0 for place in range(len(rows))])
    values, observed = torch.full_like(one.values, 10.0), torch.ones_like(one.observed)
    platelets = DESIGN.features.index("platelets")
    values[0, platelets] = 400.0
    net, limits = trained().net, replace(reach_of(trained().net, table().batch()), spread=1e9)
    there = replace(one, values=values, observed=observed).batch()
    assert "Platelets is more than 6 SD" in str(too_far(net, DESIGN, there, limits))
    observed[0, platelets] = 0.0
    assert too_far(net, DESIGN, replace(one, values=values, observed=observed).batch(), limits) is None
    assert 0 == float(measured_z(net, DESIGN, there)[0, FLAG])
