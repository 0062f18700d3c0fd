"""Nothing that came from a chart, a site or a model's file is markup on a card."""

import re
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from cds_service.cards.compose import compose
from cds_service.cards.escaping import BREAK, bare, plain, quoted
from cds_service.cards.monitoring import suggest
from cds_service.cards.wording import (
    LONGEST_DESCRIPTION,
    LONGEST_DETAIL,
    LONGEST_LABEL,
    LONGEST_SUMMARY,
    Wording,
    shortened,
)
from cds_service.conclude import Conclusion, Kind, conclude
from fhir_mappings.inputs import Sentence
from fhir_mappings.snapshot import ClinicalSnapshot, Issue
from models.prediction import Contribution
from models.scores import ScoreResult
from tests import builders as b
from tests.cds_service.calls import card as one_card
from tests.fakes import FakePredictor
from tests.models.scores import patients

SKELETON = {"p", "strong", "ul", "li", "blockquote"}
HEADINGS = {"Demo mode", "Simulated model", "Most strongly associated with the figure", "Data", "Monitoring"}
LITERAL_LINK = re.compile(r"(?:https?://|www(?=\.))[-.\w]+", re.I | re.A)
"""What remark-gfm, behind the CDS Hooks Sandbox, takes for a link in text that was already unescaped."""
LITERAL_MAIL = re.compile(r"[-.\w+]+@[-\w]+(?:\.[-\w]+)+", re.A)
MENTION = re.compile(r"@\w")

NASTY = (
    "<img src=x onerror=alert(1)>", "<script>", "</p><h1>x</h1>", "<!-- x -->", "<!DOCTYPE html>", "<?x?>",
    "<![CDATA[x]]>", "&lt;b&gt;", "&#60;b&#62;", "&amp;lt;b", "&colon;", "<https://evil.example>", "<a@b.example>",
    "[x](javascript:alert(1))", "![x](https://evil.example/x.png)", "[x]: https://evil.example", "[x][y]", "[^1]",
    "[^1]: note", "^[note]", "javascript:alert(1)", "https://evil.example/a", "http://localhost", "//localhost",
    "ftp://evil.example", "mailto:a@localhost", "www.evil.example", "WWW.1.2", "evil.com", "xn--evil.com", "a.рф",
    "a@evil.example", "@someone", "# heading", "#1", "===", "---", "- - -", "***", "___", "* x", "- x", "+ x", "1. x",
    "1) x", "1.com", "> quote", ">", "| a | b |", "|---|---|", "a | b", "```", "~~~", "`code`", "``", "**bold**",
    "_x_", "~~gone~~", "~x~", "- [ ] task", "\\", "\\\\", "x\\", "\n\n", "\r", "\t", "    code", "\x00", "\x1b[31m",
    "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\U000e0041", "\ud800",
    "\ue000", "{.class}", "{{x}}", "${x}", "{reason}", ": x", "~ x", '"', "'", "…", "é", "日本", "😀", "\u0301",
    " ", "x", "9",
)  # fmt: skip
hostile = st.one_of(
    st.lists(st.sampled_from(NASTY), max_size=6).map("".join),
    st.lists(st.sampled_from(NASTY), max_size=6).map(" ".join),
    st.text(st.sampled_from("<>&/\\`*_[](){}#|~!=+-.:@\"' \nawcom1;"), max_size=40),
    st.text(max_size=40),
)


class Elements(HTMLParser):
    """Tags, attributes and everything else that is not text of an HTML fragment."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.other = list[str](), list[str](), list[str]()
        self.bold, self.text, self._open = list[str](), "", list[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag."""
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave the tag."""
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        """Remember the text, and what is bold."""
        self.text += data
        if "strong" in self._open:
            self.bold.append(data)

    def handle_comment(self, data: str) -> None:
        """No card has one."""
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        """No card has one."""
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        """No card has one."""
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        """No card has one."""
        self.other.append(data)


@cache
def renderer() -> MarkdownIt:
    """GitHub Flavored Markdown with raw HTML, links found in text, and what renderers add to it."""
    plugins = (footnote_plugin, deflist_plugin, front_matter_plugin, tasklists_plugin)
    found = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    for plugin in plugins:
        found.use(plugin)
    return found


def rendered(markdown: str) -> Elements:
    """What a page shows of it."""
    return Elements(renderer().render(markdown))


def seen(text: str) -> str:
    """The characters that a reader sees of a text."""
    return text.replace(BREAK, "").strip()


def links_in(text: str) -> list[str]:
    """What other renderers would make a link or a mention of."""
    return [found for pattern in (LITERAL_LINK, LITERAL_MAIL, MENTION) for found in pattern.findall(text)]


@settings(deadline=None)
@given(hostile)
@example("foo\\.com\\")
def test_text_of_a_chart_renders_as_itself_and_as_nothing_else(text: str):
    """One paragraph without attributes, links or mentions, and the reader sees the characters that were there."""
    page = rendered(plain(text, 4000))
    assert set(page.tags) <= {"p"}
    assert [] == page.attributes + page.other
    assert [] == links_in(page.text)
    assert seen(page.text) == visible(text)


def visible(text: str) -> str:
    """The text as one line, without what is not seen, written independently of the code."""
    import unicodedata

    shown = "".join(
        "" if unicodedata.category(one) == "Cf" else " " if unicodedata.category(one)[0] in "CZ" else one
        for one in text
    )
    return re.sub(r"\s+", " ", shown).strip()


@settings(deadline=None)
@given(hostile, hostile)
def test_text_of_a_chart_stays_harmless_inside_a_line_of_ours(text: str, other: str):
    """After a dash, inside a quote and at the end of a line."""
    page = rendered(f"**Data**: {plain(text)} {plain(other)}\n- x: {quoted(other)} ({plain(text)})\n\n> {quoted(text)}")
    assert set(page.tags) <= {"p", "strong", "ul", "li", "blockquote"}
    assert ["Data"] == page.bold
    assert [] == page.attributes + page.other + links_in(page.text)


@settings(deadline=None)
@given(hostile)
def test_text_of_a_chart_is_harmless_where_markdown_is_taken_for_html(text: str):
    """The escaped text has no element, comment or declaration of its own, and no half of one."""
    page = Elements(f"{plain(text)} <i>")
    assert ["i"] == page.tags
    assert [] == page.other
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", plain(text))


@settings(deadline=None)
@given(hostile, st.integers(1, 60))
def test_escaped_text_keeps_its_length_and_is_never_cut_inside_an_escape(text: str, longest: int):
    """As written, escapes included; what is cut ends with the mark of omission."""
    short, whole = plain(text, longest), plain(text, 4000)
    assert longest >= len(short)
    assert short == whole or (short.endswith("…") and whole.startswith(short[:-1]))
    if short != whole:
        assert visible(text).startswith(seen(rendered(short).text).removesuffix("…").rstrip())


@settings(deadline=None)
@given(hostile)
def test_a_quote_ends_where_the_sentence_ends(text: str):
    """No quotation mark inside."""
    assert 2 == unescape(quoted(text)).count('"')


@settings(deadline=None)
@given(hostile)
def test_plain_text_fields_render_as_text(text: str):
    """Where an EHR renders a summary after all, no element, link or entity comes of it."""
    line = bare(text)
    page = rendered(line)
    assert set(page.tags) <= {"p"}
    assert [] == page.attributes + page.other + links_in(line)
    assert seen(page.text) == seen(line)
    assert [] == Elements(f"{line} ").tags
    assert 1 >= len(line.splitlines())


@settings(deadline=None)
@given(hostile, st.sampled_from([LONGEST_SUMMARY, LONGEST_LABEL, LONGEST_DESCRIPTION, 20]))
def test_plain_text_fields_are_short_in_every_count(text: str, longest: int):
    """Code points and UTF-16 units; never empty where there was something to say."""
    short = shortened(text * 9, longest)
    assert longest >= max(len(short), len(short.encode("utf-16-le")) // 2)
    assert bool(short) == bool(bare(text * 9))


KINDS: tuple[Kind, ...] = (
    "eligibility-unknown", "contradiction", "occlusion", "end-charted", "not-computed", "withheld", "risk",
)  # fmt: skip


@cache
def concluded() -> tuple[ClinicalSnapshot, Conclusion]:
    """A patient with two NIHSS and a report, and the risk of a fake model."""
    snapshot = patients.patient(history=("ischemic_stroke",))
    return snapshot, conclude(snapshot, predictor=FakePredictor())


def with_hostile(kind: Kind, text: str) -> tuple[ClinicalSnapshot, Conclusion]:
    """The same patient, with the text wherever a card repeats what it was given."""
    snapshot, risk = concluded()
    assert risk.inputs is not None
    assert risk.prediction is not None
    sentence = Sentence(text, "findings", f"DiagnosticReport/{text}", snapshot.as_of)
    features = tuple(replace(one, label=text, unit=text) for one in risk.inputs.features)
    features = (*features[:-2], *(replace(one, value=None) for one in features[-2:]))
    inputs = replace(risk.inputs, features=features, sentences=(sentence,) * len(risk.inputs.sentences))
    reasons = tuple(Contribution(one.name, text, 0.1, text, sentence=0) for one in features[:6])
    issues = (Issue("assumed", text), Issue("assumed", f"{text} too"))
    prediction = replace(risk.prediction, contributions=reasons, issues=issues)
    other = Conclusion("contradiction", "hemorrhage-read", text)
    return replace(snapshot, issues=issues), replace(
        risk, kind=kind, reason=text, also=(other,), sentence=sentence, inputs=inputs,
        prediction=prediction if kind == "risk" else None,
        scores=(ScoreResult("DASH", 2, (), text, ""),) if kind == "withheld" else (),
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(text=hostile)
def test_a_card_is_our_own_skeleton_whatever_it_was_given(kind: Kind, text: str):
    """Sentences, ids, units, labels, issues, scores, the model's name, the site's interval, on each kind of card."""
    snapshot, conclusion = with_hostile(kind, text)
    model = replace(FakePredictor().identity, name=text, version=text)
    suggestions = suggest(snapshot, conclusion, order_intent="plan", check_interval_text=text)
    wording = Wording("https://cds.example", "demo", model)
    (card,) = compose(snapshot, conclusion, suggestions, wording, uuid_for=lambda name: name)
    page = rendered(card["detail"])
    assert set(page.tags) <= SKELETON
    assert [] == page.attributes + page.other + links_in(page.text)
    assert {one.strip() for one in page.bold} <= HEADINGS
    assert page.tags.count("li") == len([line for line in card["detail"].splitlines() if line.startswith("- ")])
    assert "Data as of" in card["detail"]
    assert LONGEST_DETAIL > len(card["detail"])
    assert LONGEST_SUMMARY >= len(card["summary"])
    assert 1 >= len(card["summary"].splitlines())
    for one in card["suggestions"]:
        assert LONGEST_LABEL >= len(one["label"])
        assert all(LONGEST_DESCRIPTION >= len(action["description"]) for action in one["actions"])
        assert set(rendered(one["label"]).tags) <= {"p"}


def test_ordinary_sentences_stay_readable_in_the_source():
    """What a report usually says is not escaped at all: many EHRs show the source."""
    for text in (
        "Acute occlusion of the left M1 segment (3 mm).",
        "ASPECTS 7; midline shift 3.5 mm, no hemorrhage; CTA 10:30 - see report.",
        'Large infarct, "early" signs: insular ribbon, 50 % of MCA territory.',
    ):
        assert text == plain(text)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_a_hostile_chart_gets_a_harmless_card(text: str):
    """A whole call: report sentences, units, names, notes, ids that FHIR forbids, and the reason of the encounter."""
    lab = b.observation("2345-7", 130, text or "x", 1, "g1", display=text)
    named = b.observation("2345-7", 131, "mg/dL", 2, f"g{text}"[:64], display=text)
    noted = b.nihss(9, 1) | {"note": [{"text": f"prehospital {text}"}]}
    bleeding = b.report(f"Acute hemorrhage {text} in the left basal ganglia {text}.", title=text)
    stroke = b.condition("230690007", f"Stroke {text}")
    for changed in (
        {"reports": b.searchset(bleeding), "labs": b.searchset(lab, named)},
        {"nihss": b.searchset(noted), "labs": b.searchset(lab)},
        {"conditions": b.searchset(stroke), "encounters": b.searchset(b.encounter(reason=f"stroke {text}"))},
    ):
        card = one_card(**changed)
        page = rendered(card["detail"])
        assert set(page.tags) <= SKELETON
        assert [] == page.attributes + page.other + links_in(page.text) + links_in(card["summary"])
        assert set(rendered(card["summary"]).tags) <= {"p"}
        assert LONGEST_SUMMARY >= len(card["summary"].encode("utf-16-le")) // 2
