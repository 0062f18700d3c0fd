"""Cards in the site's language and form of dates, and what keeps a language from a card."""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest

from cds_service.cards.language import filled, placeholders, shipped, shipped_names
from cds_service.cards.language_check import faults_of
from cds_service.cards.style import CardStyle, DateForm
from cds_service.settings import SettingsError
from fhir_mappings.codes import nihss_table
from fhir_mappings.features import load_features
from fhir_mappings.inputs import Assertion
from fhir_mappings.text.findings import lexicon, symptoms
from models.explain import TEXT_LABEL
from models.predictor import REQUIRED
from tests import builders as b
from tests.cds_service.calls import cards, client, prefetch, request
from tests.fakes import FakePredictor

ROOT = Path(__file__).parents[2]
GERMAN = (ROOT / "cds_service/cards/languages/de.toml").read_text("utf-8")
DESIGN = json.loads((ROOT / "models/artifacts/end-simulated-1/net.json").read_text("utf-8"))["design"]
EFFECTS = [tomllib.loads(one.read_text("utf-8")) for one in (ROOT / "models/training/configs").glob("effect_sources_*")]
SOURCES = [source for one in EFFECTS for source in (one["otherwise"], *one["sources"].values())]
MOMENT = datetime(2026, 11, 26, 14, 5, tzinfo=UTC)
REASSURING = re.compile(
    r"(?:geringe|niedrige|kein)[snr]? Risiko|\bweil\b|entlass|verleg|seltener|weniger|gefahrlos|!", re.I
)


def card(predictor: FakePredictor | None = None, hours: float = 6, language: str = "de", **changed: Any) -> dict:
    """The one card of a patient whose prefetch is ``changed``."""
    body = request(prefetch=prefetch(**changed))
    (one,) = cards(body, predictor=predictor, hours=hours, card_language=language)
    return one


def site_file(folder: Path, old: str = "", new: str = "") -> str:
    """The path of a site's own file: the German one with one change."""
    assert old in GERMAN
    path = folder / "ours.toml"
    path.write_text(GERMAN.replace(old, new, 1), "utf-8")
    return str(path)


def german_cards() -> list[dict]:
    """One card of each kind and more."""
    reports = ("Acute occlusion of the left M1 segment.", "Acute hemorrhage in the left basal ganglia.")
    findings = "Large acute left MCA territory infarct with mass effect. Hyperdense left MCA sign."
    high = [b.observation("2345-7", value, "mg/dL", at, f"g{at}") for at, value in ((1, 201), (5, 214))]
    local = FakePredictor(population="local")
    return [
        card(),
        card(local),
        card(FakePredictor(0.05, flagged=False), labs=b.searchset(*high)),
        card(hours=3, reports=b.searchset(b.report(reports[0]))),
        card(reports=b.searchset(b.report(reports[1])), nihss=b.searchset(b.nihss(9, 1), b.nihss(12, 4))),
        card(nihss=b.searchset(b.nihss(9, 1), b.nihss(14, 5))),
        card(nihss=b.searchset(), reports=b.searchset(b.report(findings))),
        card(FakePredictor(refusal="Platelets is more than 6 SD from the training patients' mean")),
        card(conditions=None),
        card(encounters=None),
        card(procedures=b.searchset(b.procedure("472191000119101", 1, "lysis"))),
        card(labs=b.searchset(*(b.observation("2345-7", 130, "stones", 1, f"bad{place}") for place in range(9)))),
        card(hours=130),
    ]


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_language_may_stand_on_cards(name: str):
    """Whole, harmless, and without words of reassurance in any language that is shipped."""
    assert [] == list(faults_of(shipped(name)))
    assert name == shipped(name).code


def test_a_translation_knows_every_label_of_the_mappings_and_of_the_shipped_model():
    """Inputs, findings, terms, groups of inputs, and the words that keep an NIHSS from being a baseline."""
    labels = [one.label for one in (*load_features().specs, *lexicon()[1])]
    labels += [one["label"] for one in (*DESIGN["terms"], *DESIGN["modalities"])]
    labels += [*symptoms().values(), *nihss_table().not_a_baseline, *get_args(Assertion), TEXT_LABEL, *SOURCES]
    labels += [f"{one}: not charted" for one in DESIGN["labels"]]
    labels += [f"{one.label}: not mentioned" for one in lexicon()[1]]
    labels += [f"{one.label}, {said}" for one in lexicon()[1] for said in get_args(Assertion)]
    labels += [f"{one['label']}: none charted" for one in DESIGN["modalities"]]
    assert [] == [one for one in labels if shipped("de").known("label", one) is None]


def test_a_translation_knows_the_models_refusals():
    """Each reason that the model gives for no number."""
    reasons = [
        *REQUIRED.values(),
        "more than 120 h after arrival",
        "White blood cells is more than 6 SD from the training patients' mean",
        "the models of the ensemble differ too much about these values; furthest from the training patients: HbA1c",
        "the NIHSS within 6 h of arrival was intubated or prehospital or sedated",
    ]
    assert [] == [one for one in reasons if shipped("de").known("reason", one) is None]
    assert shipped("de").reason(reasons[3]).startswith("Leukozyten liegt mehr als 6 SD")
    assert shipped("de").reason(reasons[5]).endswith("unter Intubation oder prähospital oder unter Sedierung")


def test_what_a_language_does_not_know_stays_as_it_was():
    """A label of a site's own model, and a sentence that nobody foresaw; nothing is half translated."""
    for english in ("Lactate", "Lactate: not charted", "salt or sugar", "old infarct, sometimes"):
        assert english == shipped("de").label(english)
    assert "Lactate is more than 6 SD away" == shipped("de").reason("Lactate is more than 6 SD away")


def test_a_german_card_holds_no_english_of_ours():
    """No part of an English sentence of the frame or of a conclusion; issues stay English, and it is said."""
    english = [part for text in shipped("en").tables["text"].values() for part in re.split(r"\{[a-z_]+\}", text)]
    english += [*shipped("en").tables["monitoring"].values(), *shipped("de").tables["reason"]]
    english += [one.label for one in load_features().specs if one.label != shipped("de").label(one.label)]
    parts = {part.strip(" .:;,()") for part in english if len(part) > 11}
    for one in german_cards():
        text = re.sub(r'"[^"]*"|Hinweise zu den Daten \(englisch\).*', "", f"{one['summary']} {one['detail']}")
        assert [] == [part for part in parts if part in text]


def test_no_german_card_reassures():
    """Written independently of the lists in the language files."""
    texts = [text for one in german_cards() for text in (one["summary"], one["detail"])]
    assert [] == [text for text in texts if REASSURING.search(text)]
    assert [] == [text for text in texts if len(text) >= 1500]


def test_orders_and_override_reasons_are_in_the_language_of_the_card():
    """Their codes are not."""
    german, english = card(), card(language="en")
    order = german["suggestions"][0]["actions"][0]["resource"]
    assert "Neurologische Kontrolle mit NIHSS, engmaschiger" == order["code"]["text"]
    assert "Engmaschigere NIHSS" in german["suggestions"][0]["label"]
    displays = [one["display"] for one in german["overrideReasons"]]
    assert "Klinische Einschätzung weicht ab" in displays
    assert [one["code"] for one in english["overrideReasons"]] == [one["code"] for one in german["overrideReasons"]]


def test_a_card_says_that_the_notes_on_the_data_are_english():
    """They come from the mappings, which speak English; an English card need not say it."""
    bad = b.searchset(b.observation("2345-7", 130, "stones", 1, "bad"))
    assert re.search(r"Hinweise zu den Daten \(englisch\): .*Observation/bad", card(labs=bad)["detail"])
    assert "englisch" not in card()["detail"]
    assert "Hinweise" not in card(labs=bad, language="en")["detail"]


@pytest.mark.parametrize(("count", "said"), [(4, None), (5, "And 1 more note on the data."), (7, "And 3 more notes")])
def test_what_was_left_out_is_counted_in_the_right_number(count: int, said: str | None):
    """One note, several notes."""
    bad = (b.observation("2345-7", 130, "stones", 1, f"bad{place}") for place in range(count))
    detail = card(labs=b.searchset(*bad), language="en")["detail"]
    assert said in detail if said else "more note" not in detail


def test_ready_says_that_a_translation_was_not_reviewed():
    """And the documentation does."""
    notes = client(card_language="de").get("/ready").get_json()["notes"]
    assert "Cards are in de: translation not reviewed by a clinician." in notes
    assert "translation not reviewed by a clinician" in (ROOT / "docs/CONFIGURATION.md").read_text("utf-8")
    assert not [note for note in client().get("/ready").get_json()["notes"] if "Cards are in" in note]


FAULTS = {
    "text.flagged is missing": ('flagged = "Markiert (Schwelle zu dieser Stunde: {threshold})."\n', ""),
    "text.flaged is no text of a card": ("[monitoring]", 'flaged = "x"\n\n[monitoring]'),
    "text.summary_risk has other placeholders": ("bis {until} (ähnliche Patienten", "(ähnliche Patienten"),
    "text.old has other placeholders": ("Alt: {names}.", "Alt: {names.__class__}."),
    "text.flagged holds markup": ("Markiert (", "**Markiert** ("),
    "text.not_for_care holds markup": ("nicht für die Patientenversorgung", "nicht <b>hier</b>"),
    "text.no_report holds markup": ("Kein Befundtext", "Siehe www.example.org"),
    "text.yes holds markup": ('yes = "ja"', 'yes = "j\\u202ea"'),
    "text.no is empty": ('no = "nein"', 'no = ""'),
    "text.flagged holds words": ("Markiert (", "Low risk ("),
    "text.not_flagged holds words": ("das ist keine Entwarnung", "geringes Risiko"),
    "label.Smoking holds words": ('"Rauchen"', '"Rauchen, weil"'),
    "text.summary_risk is too long": ("(ähnliche Patienten", "(" + "a" * 120),
    "label.Age is missing": ('"Age" = "Alter"\n', ""),
    "reason.age unknown is missing": ('"age unknown" = "Alter unbekannt"\n', ""),
    "label.{first} or {second} has other placeholders": ("{first} oder {second}", "{first} oder"),
    "order.checks is missing": ('checks = "Neurologische Kontrolle mit NIHSS"\n', ""),
    "override.data-wrong is missing": ('data-wrong = "Daten auf der Karte falsch oder veraltet"\n', ""),
    "weekdays: Tuple should have at least 7": ('"Mo", ', ""),
    "extra: Extra inputs": ("[text]", "[extra]\n[text]"),
    "forbidden: Tuple should have at least 1": (GERMAN.split("forbidden = ")[1].split("\n")[0], "[]"),
    "forbidden.0: Input should be a valid regular": (GERMAN.split("forbidden = ")[1].split("\n")[0], "['(']"),
    "Expected '='": ("[text]", "text"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_language_with_a_fault_stops_the_start_and_is_told(tmp_path: Path, fault: str):
    """One sentence with the setting, the file and the fault."""
    with pytest.raises(SettingsError) as found:
        client(card_language=site_file(tmp_path, *FAULTS[fault]))
    assert str(found.value).startswith("ENDWATCH_CARD_LANGUAGE: ours.toml: ")
    assert fault in str(found.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("fr", "neither one of de, en nor a .toml file"),
        ("../en", "neither one of"),
        ("/nowhere/x.toml", "cannot be read"),
    ],
)
def test_a_language_that_is_not_there_stops_the_start(name: str, why: str):
    """A name leads to no other file."""
    with pytest.raises(SettingsError, match=f"ENDWATCH_CARD_LANGUAGE: .*{why}"):
        client(card_language=name)


def test_a_file_that_is_no_text_stops_the_start(tmp_path: Path):
    """In one sentence."""
    (tmp_path / "ours.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"ours\.toml: .*utf-8"):
        client(card_language=str(tmp_path / "ours.toml"))


def test_a_sites_own_words_stand_on_its_cards(tmp_path: Path):
    """From a file that holds every key."""
    ours = site_file(tmp_path, '"Markiert (', '"Auffällig (')
    assert "Auffällig (Schwelle" in card(language=ours)["detail"]


def test_an_english_file_needs_no_table_of_english_words(tmp_path: Path):
    """It may leave labels and reasons as they are, or change some."""
    ours = (ROOT / "cds_service/cards/languages/en.toml").read_text("utf-8")
    (tmp_path / "ours.toml").write_text(f'{ours}"Age" = "Age in years"\n', "utf-8")
    assert "Age in years" in card(language=str(tmp_path / "ours.toml"))["detail"]


@pytest.mark.parametrize("text", ["every 12 h, low risk", "alle 12 h, seltener"])
def test_an_interval_of_the_site_that_advises_less_care_stops_the_start(text: str):
    """It stands on every flagged card."""
    with pytest.raises(SettingsError, match="ENDWATCH_CHECK_INTERVAL_TEXT"):
        client(check_interval_text=text)
    assert "every 1 h" in str(cards(request(), check_interval_text="every 1 h"))


@pytest.mark.parametrize(
    ("form", "english", "german"),
    [
        ("weekday-24h", "Thu 14:05", "Do 14:05"),
        ("weekday-12h", "Thu 2:05 PM", "Do 2:05 PM"),
        ("day-month", "26 Nov 14:05", "26. Nov 14:05"),
        ("iso", "2026-11-26 14:05", "2026-11-26 14:05"),
    ],
)
def test_times_stand_in_the_form_of_the_site(form: DateForm, english: str, german: str):
    """In the language of the card, and in the zone of the chart."""
    shown = [CardStyle(shipped(name), form).clock(MOMENT, UTC) for name in ("en", "de")]
    assert [english, german] == shown
    east = timezone(timedelta(hours=10))
    assert CardStyle(shipped("en"), form).clock(MOMENT, east) == CardStyle(shipped("en"), form).clock(
        MOMENT.astimezone(east), east
    )
    assert CardStyle(shipped("en"), form).clock(MOMENT, east) != english


@pytest.mark.parametrize(("hour", "shown"), [(0, "12:05 AM"), (11, "11:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")])
def test_midnight_and_noon_have_their_half_of_the_day(hour: int, shown: str):
    """12 AM is midnight."""
    assert shown == CardStyle(date_form="weekday-12h").time(MOMENT.replace(hour=hour))


def test_every_form_of_dates_can_be_chosen_and_reaches_every_time_of_a_card():
    """No weekday is left on a card that writes ISO dates, and none in the END sentence."""
    weekday = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b")
    series = b.searchset(b.nihss(9, 1), b.nihss(9, 3), b.nihss(12, 30))
    for form in get_args(DateForm):
        (ended,) = cards(request(prefetch=prefetch(nihss=series)), hours=40, date_form=form)
        (risk,) = cards(request(), date_form=form)
        text = f"{ended['summary']} {ended['detail']} {risk['summary']} {risk['detail']}"
        assert form.startswith("weekday") == bool(weekday.search(text))
    assert "NIHSS 9 -> 12 (2026-03-02 09:00 -> 2026-03-03 14:00)" in ended["summary"]


def test_decimals_are_written_as_the_language_does():
    """1,9 in German."""
    assert ["1.9", "1,9"] == [CardStyle(shipped(name)).number(1.9) for name in ("en", "de")]


def test_braces_in_a_value_are_no_placeholder():
    """A value is put in once and never read again."""
    assert "a {b} c" == filled("a {x} {y}", {"x": "{b}", "y": "c"})
    assert ["x", "y"] == placeholders("{y} and {x}, not {Z} or {x.y}")
