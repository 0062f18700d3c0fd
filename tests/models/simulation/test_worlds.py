"""The worlds' files: what they take from their base, what they may change, and the hashes that freeze them."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from models.simulation.population import draw_columns, log_odds
from models.simulation.statements import PHRASES
from models.simulation.world import UnknownWorld, World, known_worlds, load_world, world_from
from models.simulation.world_files import WORLDS, content_sha256, merged, overlaid

OVERLAYS = [name for name in known_worlds() if name != "a"]


def _with(**own: Any) -> World:
    """World A with something of its own."""
    return world_from(overlaid(merged("a"), {"name": "x", **own}))


def _numbers_without_source(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for place, each in enumerate(node):
            yield from _numbers_without_source(each, f"{path}[{place}]")
    elif isinstance(node, dict):
        numbers = [key for key, value in node.items() if isinstance(value, int | float) and not isinstance(value, bool)]
        if (numbers or "pairs" in node) and not str(node.get("source", "")).strip():
            yield path
        for key, value in node.items():
            if key not in ("pairs", "target"):
                yield from _numbers_without_source(value, f"{path}.{key}")


@pytest.mark.parametrize("name", known_worlds())
def test_every_number_of_a_world_has_its_source_beside_it(name: str) -> None:
    """No effect, margin or share without a source or the word assumption, in the file itself."""
    table = tomllib.loads((WORLDS / f"{name}.toml").read_text("utf-8"))
    assert [] == list(_numbers_without_source(table))
    assert ["x"] == [place.strip(".") for place in _numbers_without_source({"x": {"value": 1.0}})]


def _untested(table: Any) -> Iterator[str]:
    """Rows that are neither compared with their source, nor an assumption, nor a definition."""
    settings = [*table["settings"].values(), *table.get("reports", {}).values()]
    kinds = ("variable", "flag", "finding", "effect", "mechanism", "target")
    for row in (*settings, *(row for kind in kinds for row in table[kind])):
        if "target" not in row and not any(word in row["source"] for word in ("assumption", "definition")):
            yield row["source"]


@pytest.mark.parametrize("name", known_worlds())
def test_what_is_not_an_assumption_can_be_tested(name: str) -> None:
    """A row with a source has figures to be compared with; where they are of cases, their number too."""
    assert [] == list(_untested(merged(name)))
    counted = [target for target in load_world(name).targets if "odds_ratio" not in dict(target.statistics)]
    assert [] == [target.row for target in counted if target.n < 1 and target.row != "target false_rises"]


def test_the_hashes_are_those_that_were_committed() -> None:
    """A world that changes, or whose base does, needs a new line in SHA256SUMS, on purpose."""
    lines = [f"{load_world(name).sha256}  {name}" for name in known_worlds()]
    assert lines == (WORLDS / "SHA256SUMS").read_text("utf-8").splitlines()


def test_the_hash_is_of_the_content_not_of_the_layout() -> None:
    """The order of keys does not count, a number does."""
    assert content_sha256({"a": 1, "b": {"c": 2}}) == content_sha256({"b": {"c": 2}, "a": 1})
    assert content_sha256({"a": 1}) != content_sha256({"a": 1.5})
    assert load_world("a").sha256 != _with(settings={"ramp_h": {"value": 1, "source": "a test"}}).sha256


def test_a_world_that_does_not_exist_names_those_that_do() -> None:
    """The five worlds are there, and a misspelt one is refused."""
    assert ("a", "b", "c", "d", "e") == known_worlds()
    with pytest.raises(UnknownWorld, match="no world 'z'; known: a, b, c, d, e"):
        load_world("z")


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_keeps_what_it_does_not_name(name: str) -> None:
    """Names, correlations and findings are those of A, in A's order, so that one seed draws alike patients."""
    base, world = load_world("a"), load_world(name)
    assert [row.name for row in base.variables] == [row.name for row in world.variables]
    assert [row.name for row in base.flags] == [row.name for row in world.flags]
    assert (base.correlations, base.findings) == (world.correlations, world.findings)
    assert base.settings.keys() <= world.settings.keys()


def test_effects_of_an_overlay_replace_all_on_the_same_value() -> None:
    """The base's effect on it goes, whatever its kind; the others stay; a dropped one goes without another."""
    effect = {"on": "nihss", "kind": "above", "above": 12, "log_odds": 1.0, "source": "a test"}
    world = _with(effect=[effect], drop_effects=["age"])
    assert [("above", 12)] == [(one.kind, one.above) for one in world.effects if one.on == "nihss"]
    assert "age" not in {one.on for one in world.effects}
    assert len(load_world("a").effects) - 1 == len(world.effects)


def test_missing_shares_change_by_name() -> None:
    """World E lacks more D-dimers than A; what it does not name stays."""
    missing = [{v.name: v.missing for v in load_world(name).variables} for name in ("a", "e")]
    assert missing[1]["d_dimer"] > missing[0]["d_dimer"]
    assert missing[1]["wbc"] == missing[0]["wbc"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"settings": {"ramp": {"value": 1, "source": "a test"}}}, "settings .*: ramp"),
        ({"drop_effects": ["agee"]}, "drop_effects .*: agee"),
        ({"missing": {"agee": 0.1, "source": "a test"}}, "missing .*: agee"),
        ({"variable": [{"name": "agee"}]}, "variable .*: agee"),
        ({"efect": []}, "tables .*: efect"),
        ({"effect": [{"on": "agee", "log_odds": 1.0, "source": "a test"}]}, "an effect on agee"),
        ({"effect": [{"on": "age", "mechanism": "edema", "log_odds": 1.0, "source": "a test"}]}, "mechanism edema"),
    ],
)
def test_a_misspelt_name_is_refused(own: dict[str, Any], said: str) -> None:
    """Nothing is added by a slip of the pen: the message names what is not known."""
    with pytest.raises(ValueError, match=said):
        _with(**own)


def test_an_unknown_kind_of_effect_is_refused() -> None:
    """The message names the effect and the kinds that exist."""
    effect = {"on": "age", "kind": "cubic", "log_odds": 1.0, "source": "a test"}
    world = _with(effect=[effect])
    with pytest.raises(ValueError, match="age: no kind 'cubic'; known: linear, above, u, interaction"):
        log_odds(world, draw_columns(world, 3, 1))


def test_report_settings_of_a_world_are_known_to_the_phrases() -> None:
    """Each is a setting of the plan, or the weight of a style that exists."""
    plan = tomllib.loads((PHRASES / "plan.toml").read_text("utf-8"))["settings"]
    styles = tomllib.loads((PHRASES / "layout.toml").read_text("utf-8"))["style"]
    known = {*plan, *(f"style_{style['id']}" for style in styles)}
    reports = {name: set(merged(name).get("reports", {})) for name in known_worlds()}
    assert reports["e"]
    assert all(names <= known for names in reports.values())


def test_null_text_carries_no_risk() -> None:
    """World D has A's structured effects and findings as frequent as A's, none with an effect."""
    base, null = load_world("a"), load_world("d")
    findings = {one.name for one in base.findings}
    assert [one for one in base.effects if one.on not in findings] == list(null.effects)
    assert findings & {one.on for one in base.effects}
    assert base.findings == null.findings


def test_the_mixture_gives_each_mechanism_its_own_predictors_and_clock() -> None:
    """World C has four mechanisms, no effect that all share, and shares that add up to one."""
    world = load_world("c")
    names = {one.name for one in world.mechanisms}
    assert {"progression", "re_embolism", "edema", "hemorrhagic_transformation"} == names
    assert names == {one.mechanism for one in world.effects}
    assert {"last_known_well", "arrival"} == {one.clock for one in world.mechanisms}
    assert pytest.approx(1.0) == sum(one.share for one in world.mechanisms)
