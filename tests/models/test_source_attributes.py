"""The 31 source attributes: each once, none empty but the deployment's own, every figure from the evaluation."""

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.features import load_features
from models.errors import ArtifactError
from models.source_attributes import SourceAttributes, read_source_attributes, source_attributes_from
from models.training.report import CONFIGS, source_attributes
from tests.models.documented import EVALUATION, figure

AUTHORED = (CONFIGS / "source_attributes.toml").read_text("utf-8")
DEPLOYMENTS_OWN = [17, 18, 19, 20, 23, 24, 27, 29]


def told(population: str = "simulated", **changes: Any) -> SourceAttributes:
    """The attributes filled from a made-up evaluation, with changes of its top-level fields."""
    return source_attributes_from(source_attributes(AUTHORED, EVALUATION | changes, population))


def text_of(held: SourceAttributes, number: int) -> str:
    """What one attribute says."""
    return held.attributes[number - 1].text


def without(text: str, number: int) -> str:
    """The TOML without the block of one attribute."""
    blocks = text.split("[[attribute]]\n")
    return "[[attribute]]\n".join(block for block in blocks if not block.startswith(f"number = {number}\n"))


def emptied(text: str, number: int) -> str:
    """The TOML with the text of one attribute blank."""
    found, count = re.subn(rf'(number = {number}\n(?:.*\n){{3}}text = ").*"', r'\1  "', text)
    assert 1 == count
    return found


def test_there_are_31_attributes_in_order():
    """Numbers 1 to 31, once each; nine groups as in the lists."""
    held = told()
    assert list(range(1, 32)) == [one.number for one in held.attributes]
    assert 9 == len({one.group for one in held.attributes})


def test_only_the_deployments_own_are_blank_and_shown_as_none():
    """What a site has not written reads "none", never as an empty cell."""
    held = told()
    assert DEPLOYMENTS_OWN == [one.number for one in held.attributes if one.origin == "D"]
    assert DEPLOYMENTS_OWN == [one.number for one in held.attributes if one.shown == "none"]


def test_a_site_can_write_its_own():
    """A filled attribute of the deployment is read and shown as written."""
    block = re.sub(r'(number = 27\n(?:.*\n){3}text = )""', r'\1"AUC 0.6 in 2026"', AUTHORED)
    assert "AUC 0.6 in 2026" == source_attributes_from(source_attributes(block, EVALUATION)).attributes[26].shown


def test_the_head_says_whose_words_and_that_nothing_was_assessed():
    """Simulated patients first; headings as in lists, not the regulation; a status with its date."""
    held = told()
    assert held.first.startswith("The weights are trained on simulated patients.")
    assert "not the regulation's text" in held.wording
    assert "not assessed" == held.regulatory_status
    assert date(2026, 1, 1) < held.status_date


@pytest.mark.parametrize("number", [21, 22])
def test_same_source_means_simulated_patients(number: int):
    """Validity and fairness on the same source name that source."""
    assert text_of(told(), number).startswith("Same source: simulated patients")


def test_a_model_of_a_sites_own_patients_is_not_called_simulated():
    """With another training population no attribute and no head speaks of simulated patients."""
    held = told("local", statement="All figures are on patients of the same source.")
    assert [] == [one.number for one in held.attributes if "simulated" in one.text]
    assert "simulated" not in held.first


def test_no_figure_is_typed():
    """The authored text of an attribute that is filled from the evaluation or from code holds no digits."""
    rows = tomllib.loads(AUTHORED)["attribute"]
    assert [] == [row["number"] for row in rows if row["from"] in "EC" and re.search(r"\d", row["text"])]


def test_figures_come_from_the_evaluation():
    """Another evaluation gives other figures in the attribute on validity, and counts in the one on the split."""
    every = EVALUATION["all_rows"] | {"auc": figure(0.512, 0.25)}
    counts = {"train": {"stays": 4711, "rows": 9}}
    held = told(all_rows=every, counts=counts)
    assert "AUC 0.512 (0.262 to 0.762)" in text_of(held, 21)
    assert "train 4711" in text_of(held, 11)


def test_a_figure_that_could_not_be_computed_is_said():
    """No interval and no value are words, not an error."""
    every = EVALUATION["all_rows"] | {"auc": figure(None)}
    assert "AUC not computable" in text_of(told(all_rows=every), 21)


def test_fairness_is_by_group_where_it_was_measured():
    """Groups with their AUC; else that there is none."""
    groups = {"sex: female": {"auc": {"value": 0.7, "low": 0.6, "high": 0.8}}}
    assert "sex: female 0.700 (0.600 to 0.800)" in text_of(told(subgroups=groups), 22)
    assert "Not computed by group" in text_of(told(), 22)


def test_every_input_is_named_and_none_that_is_said_to_be_left_out():
    """The list of inputs is that of features.toml; the variables said to be absent are absent."""
    specs = load_features().specs
    assert [] == [spec.label for spec in specs if spec.label not in text_of(told(), 12)]
    left_out = ("race", "ethnic", "language", "address", "insurance")
    assert [] == [spec.name for spec in specs if any(word in f"{spec.name} {spec.label}".lower() for word in left_out)]


def test_words_with_quotes_and_line_breaks_do_not_break_the_file():
    """Filled text is escaped for TOML."""
    statement = 'Patients "as charted"\nin C:\\data {sic'
    with pytest.raises(ValueError, match="nothing filled"):
        told(statement=statement)
    assert statement[:-5] in text_of(told(statement=statement[:-5]), 21)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: emptied(text, 7), r"attribute 7 \(Intended users\) is empty"),
        (lambda text: emptied(text, 21), r"attribute 21 \(Validity, same source\) is empty"),
        (lambda text: without(text, 30), "once each and in order"),
        (lambda text: text.replace("number = 31", "number = 30"), "once each and in order"),
        (lambda text: text.replace("number = 31", 'number = "31"'), "number is no int"),
        (lambda text: text.replace("number = 31", "number = true"), "number is no int"),
        (lambda text: text.replace('from = "A"', 'from = "B"', 1), "none of A, E, C, D"),
        (lambda text: text.replace('group = "Purpose"', "", 1), "must hold exactly"),
        (lambda text: text.replace('name = "Funding"', 'name = ""'), "name is empty"),
        (lambda text: text.replace('"None."', '"{stays}"'), "nothing filled"),
        (lambda text: text.replace("status_date = 2026-11-28", 'status_date = "soon"'), "status_date is no date"),
        (lambda text: re.sub("regulatory_status = .*", "", text), "must hold exactly"),
        (lambda text: text[: len(text) // 2], ""),
        (lambda _: "", "no attribute"),
        (lambda _: "attribute = [1]", "must hold exactly"),
        (lambda _: "attribute = 31", "no attribute"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: Any, said: str):
    """Whatever is missing, doubled, blank or of another kind: the file is named, and what is wrong in it."""
    path = tmp_path / "source_attributes.toml"
    path.write_text(damage(source_attributes(AUTHORED, EVALUATION)), "utf-8")
    with pytest.raises(ArtifactError, match=rf"^source_attributes\.toml cannot be read: .*{said}"):
        read_source_attributes(path)


def test_bytes_that_are_no_text_are_refused_by_name(tmp_path: Path):
    """A file that is not UTF-8, or none, is named."""
    path = tmp_path / "source_attributes.toml"
    with pytest.raises(ArtifactError, match=r"^source_attributes\.toml cannot be read"):
        read_source_attributes(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArtifactError, match=r"^source_attributes\.toml cannot be read"):
        read_source_attributes(path)


def test_an_empty_authored_field_stops_the_writing():
    """The generator refuses what its reader would refuse."""
    with pytest.raises(ValueError, match=r"attribute 1 .* is empty"):
        source_attributes(emptied(AUTHORED, 1), EVALUATION)
