"""The benchmark that measures how far rules and reader are trusted."""

import tomllib

import numpy as np
import torch

from benchmarks.joining import UNFORESEEN, as_toml, counted, floor_of, place_of
from models.reader import ASSERTIONS
from models.trust import trust


def test_each_pair_is_counted_once():
    """Every sentence gives one count for each finding, in the row of what is true."""
    names = ("hemorrhage", "facial_droop")
    tables = counted(names, generated=30)
    assert 30 * len(names) == tables["generated sentences, training half"].sum()
    assert ["generated sentences, training half"] == list(tables)


def test_of_several_assertions_the_strongest_counts():
    """Present before absent; nothing said is not mentioned."""
    assert ASSERTIONS.index("present") == place_of(["absent", "present"])
    assert 0 == place_of([])


def test_the_floor_is_no_lower_than_the_share_of_truths_below_it():
    """A reader that is never wrong has the lowest floor; one that misses a tenth of all mentions a tenth."""
    truth = torch.ones(100, 1, dtype=torch.long)
    right = torch.zeros(100, 1, 6)
    right[:, 0, 1] = 1.0
    wrong = right.clone()
    wrong[:10, 0] = torch.eye(6)[0]
    assert floor_of(right, truth) < 0.002
    assert abs(floor_of(wrong, truth) - 0.1) < 0.0011


def test_what_is_printed_is_what_is_read():
    """The table written as TOML has the counts by truth, and the package's own file the same shape."""
    table = np.arange(36).reshape(6, 6)
    raw = tomllib.loads(as_toml({"somewhere": table}, 0.012))
    assert 0.012 == raw["reader"]["floor"]
    assert table[2].tolist() == raw["rules"][0]["counts"]["uncertain"]
    assert (6, 6) == trust().rules.shape


def test_what_is_assumed_of_unforeseen_words_adds_up():
    """A tenth of every kind of mention is missed; each row counts a thousand sentences."""
    (table,) = UNFORESEEN.values()
    assert [1000] * 6 == table.sum(axis=1).tolist()
    assert [100] * 5 == table[1:, 0].tolist()
