"""The report: a page that needs nothing else, begins with what it is worth, and says what it leaves out."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest

from models.evaluation.document import About, evaluation
from models.evaluation.report_html import checklist, refusals, report, spelled, write_report
from models.evaluation.rows import Scored
from tests.models.evaluation.drawn import ABOUT, PLAN, changed, rows_and_models

ROWS, MODELS = rows_and_models()
FOUND = json.loads(json.dumps(evaluation(ROWS, MODELS, ABOUT, PLAN)))
PAGE = report(FOUND)


class Words(HTMLParser):
    """The words of a page's body as they are read, and all its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        """Keep the tag; the words count from the body on."""
        self.tags.append(tag)
        if tag == "body":
            self.words.clear()

    def handle_data(self, data: str) -> None:
        """Keep what is not blank."""
        if data.strip():
            self.words.append(" ".join(data.split()))


def read(page: str) -> Words:
    """The page, read."""
    words = Words()
    words.feed(page)
    return words


def test_the_page_begins_with_what_it_is_worth():
    """The first words are the statement, before title and figures."""
    assert FOUND["statement"] == read(PAGE).words[0]


def test_the_page_needs_nothing_else():
    """No script, no address, no import, no image but what is drawn in it; and the page forbids the rest itself."""
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & set(read(PAGE).tags)
    assert not re.search(r"https?:|//[a-z]|url\((?!#)|@import|\son[a-z]+=|javascript:|data:", PAGE)
    assert "default-src 'none'" in PAGE


def test_every_model_and_every_figure_has_its_place():
    """Each model's AUC stands in the table as in the document; seven plots are drawn, each with words for the blind."""
    words = read(PAGE)
    for name, model in FOUND["models"].items():
        assert name in words.words
        assert f"{model['landmarks']['6']['auc']['value']:.3f}" in words.words
    assert 7 == words.tags.count("svg") == words.tags.count("figcaption")
    assert 7 == len(re.findall(r'role="img" aria-label="[^"]{20,}"', PAGE))


def test_refused_figures_say_why():
    """Each reason stands on the page, with the places that it holds for; a whole slice is one place."""
    reasons = dict(refusals(FOUND))
    assert ["ranking: overall auc"] != reasons["its output is a ranking, no probability"]
    for why, where in reasons.items():
        assert why in PAGE
        assert where
    few = [where for why, where in reasons.items() if "fewer than 10" in why]
    assert "knowing: subgroups rare: yes" in {place for places in few for place in places}


def test_the_page_reassures_nobody():
    """The words that a clinician could take for an all-clear appear nowhere."""
    text = " ".join(read(PAGE).words).lower()
    assert not re.search(r"low[- ]risk|no risk|safe to|proven|validated|because", text)
    assert "not being flagged is no reassurance" in text


def test_names_cannot_break_the_page():
    """A model named in HTML or in formulas is shown as it is written, in tables and plots."""
    odd = [replace(MODELS[0], name="<b>$x$&amp;"), Scored('"quoted"', MODELS[1].risks)]
    page = report(evaluation(ROWS, odd, ABOUT, PLAN))
    assert "<b>$x$" not in page
    assert "<b>$x$&amp;" in read(page).words


def test_a_page_of_few_patients_is_made_of_reasons():
    """With every figure refused the page still stands, and says why."""
    small, models = rows_and_models(14, seed=2)
    page = report(evaluation(small, models, ABOUT, PLAN))
    assert page.count("fewer than 10") > 20
    assert ABOUT.statement in page


def test_one_model_on_real_patients_has_a_page_without_the_truth():
    """No comparison, no simulated event, no groups: the page says so or leaves the part out."""
    about = About("Patients of one hospital; no external validation.", "a hospital", "00" * 32)
    page = report(evaluation(changed(ROWS, event=None, groups={}), MODELS[:1], about, PLAN))
    assert "what truly happened is known of simulated patients only" in page
    assert 5 == read(page).tags.count("svg")
    assert "not applicable: simulated" not in page


def test_drawing_leaves_no_state_behind(tmp_path: Path):
    """The same page again, byte by byte, and matplotlib's settings as they were."""
    before = dict(mpl.rcParams)
    write_report(tmp_path / "report.html", FOUND)
    assert PAGE == (tmp_path / "report.html").read_text("utf-8")
    assert before == dict(mpl.rcParams)


@pytest.mark.parametrize(
    ("figure", "metric", "expected"),
    [
        ({"value": 0.7834, "low": 0.761, "high": 0.804}, "auc", "0.783 (0.761 to 0.804)"),
        ({"value": 0.5, "low": 0.45, "high": 0.55}, "recall", "50.0 % (45.0 to 55.0)"),
        ({"value": 0.5, "low": None, "high": None}, "auc", "0.500 (no interval)"),
        ({"value": None, "refused": "too few"}, "auc", "not given: too few"),
    ],
)
def test_figures_are_spelled_with_their_interval(figure: dict[str, object], metric: str, expected: str):
    """Shares as per cent, all else as it is; a missing one by its reason."""
    assert expected == spelled(figure, metric)


def test_the_checklist_answers_every_item_once():
    """27 items in order, 52 with their parts; the simulated answers say what does not apply; a site's differ."""
    simulated, local = checklist(simulated=True)["item"], checklist(simulated=False)["item"]
    names = [item["id"] for item in simulated]
    assert 52 == len(set(names)) == len(names)
    assert [str(number) for number in range(1, 28)] == list(dict.fromkeys(re.sub("[a-z]", "", name) for name in names))
    assert all(item["answer"] and item["asks"] for item in simulated)
    assert "not applicable: simulated" == simulated[names.index("17")]["answer"]
    assert not [item["id"] for item in local if "not applicable: simulated" in item["answer"]]


def test_the_checklist_names_files_that_exist():
    """A path in an answer leads somewhere."""
    root = Path(__file__).parents[3]
    told = " ".join(item["answer"] for item in checklist(simulated=True)["item"])
    paths = re.findall(r"\b(?:docs|models|fhir_mappings)/[\w/.*]*[\w*]", told)
    assert paths
    for path in paths:
        assert list(root.glob(path)), path
