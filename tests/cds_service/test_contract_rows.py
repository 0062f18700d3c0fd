"""Each row of the clinical contract's table: what a call answers, from the wire to the card."""

import pytest

from tests import builders as b
from tests.cds_service.calls import card, cards, client, prefetch, request
from tests.fakes import FakePredictor

OCCLUDED = "IMPRESSION: Acute occlusion of the left M1 segment."
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


@pytest.mark.parametrize("key", ["patient", "encounters", "conditions", "nihss"])
def test_a_required_query_that_cannot_be_answered_is_412_and_named(key: str):
    """Neither prefetched nor obtainable: an OperationOutcome names the query, never empty cards."""
    body = request(prefetch={name: value for name, value in prefetch().items() if name != key})
    response = client().post("/cds-services/end-risk", json=body)
    assert 412 == response.status_code
    assert key in response.get_json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize("key", ["nihss", "procedures", "labs", "vitals", "reports", "medications", "administrations"])
def test_a_query_answered_with_no_data_is_never_412(key: str):
    """``null`` means asked and nothing charted."""
    assert 1 == len(cards(request(prefetch=prefetch(**{key: None}))))


@pytest.mark.parametrize(
    ("why", "changed", "hours"),
    [
        ("no ischemic stroke", {"conditions": b.searchset(), "nihss": None, "reports": None}, 6),
        ("under 18", {"patient": b.patient(birth_date="2015-01-01")}, 6),
        ("hemorrhagic stroke", {"conditions": b.searchset(b.condition("I61.9", "ICH", system=ICD))}, 6),
        ("thrombectomy", {"procedures": b.searchset(b.procedure("397046001"))}, 6),
        ("more than 7 days", {}, 169),
    ],
)
def test_a_patient_outside_gets_no_card_and_the_model_is_not_asked(why: str, changed: dict, hours: float):
    """A positive, uncontradicted reason: empty cards."""
    model = FakePredictor()
    assert [] == cards(request(prefetch=prefetch(**changed)), hours=hours, predictor=model), why
    assert 0 == model.calls


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("reason of the enc", {"conditions": None, "encounters": b.searchset(b.encounter(reason="CVA"))}),
        ("in a diagnosis", {"conditions": b.searchset(b.condition("230690007", "Cerebrovascular accident"))}),
        ("NIHSS is charted", {"conditions": None}),
        ("arrival is unknown", {"encounters": b.searchset()}),
        ("Both ischemic and", {"conditions": b.searchset(b.condition(), b.condition("I61.9", "ICH", "c2", ICD))}),
    ],
)  # fmt: skip
def test_unknown_eligibility_is_an_info_card_that_says_what_is_unknown(said: str, changed: dict):
    """A stroke is named but not coded, codes contradict, or there is no stay: never an empty list."""
    one = card(**changed)
    assert "info" == one["indicator"]
    assert said in one["summary"] + one["detail"]


def test_hemorrhage_in_a_report_beside_an_ischemic_code_is_a_contradiction():
    """One card names both, with the sentence, and without a number."""
    one = card(reports=b.searchset(b.report("Acute hemorrhage in the left thalamus.")))
    assert "warning" == one["indicator"]
    assert "Acute hemorrhage in the left thalamus." in one["detail"]
    assert "%" not in one["summary"] + one["detail"]


def test_an_early_large_occlusion_without_a_decision_shows_no_number():
    """The first line says that the card does not inform reperfusion decisions."""
    one = card(hours=3, reports=b.searchset(b.report(OCCLUDED)))
    assert one["summary"].startswith("Occlusion read in report; no thrombectomy decision found in the chart")
    assert "END risk" not in one["summary"] + one["detail"]


@pytest.mark.parametrize(
    "changed",
    [
        {
            "procedures": b.searchset(b.procedure("397046001", status="not-done")),
            "reports": b.searchset(b.report(OCCLUDED)),
        },
        {"reports": b.searchset(b.report(f"{OCCLUDED} Not a candidate for thrombectomy."))},
        {"reports": b.searchset(b.report("Chronic occlusion of the left vertebral artery."))},
        {"reports": b.searchset(b.report("No occlusion of the left M1 segment."))},
    ],
)
def test_a_decision_against_thrombectomy_or_another_occlusion_leaves_the_risk_card(changed: dict):
    """Not-done Procedures and sentences in reports count as decisions; other sites do not matter."""
    assert "END risk" in card(hours=3, **changed)["summary"]


def test_an_old_occlusion_window_leaves_the_risk_card():
    """After 24 h from last known well the occlusion row no longer applies."""
    assert "END risk" in card(hours=25, reports=b.searchset(b.report(OCCLUDED)))["summary"]


def test_charted_end_is_a_warning_with_both_scores_and_no_number():
    """NIHSS up by two, not confirmed."""
    model = FakePredictor()
    one = card(nihss=b.searchset(b.nihss(9, 1), b.nihss(11, 5)), predictor=model)
    assert "NIHSS 9 -> 11 (09:00 -> 13:00); meets the END rule; repeat the examination" == one["summary"]
    assert "warning" == one["indicator"]
    assert 0 == model.calls


@pytest.mark.parametrize("series", [((9, 1), (13, 5)), ((9, 1), (11, 4), (11, 5))])
def test_severe_or_confirmed_end_is_critical(series: tuple):
    """Four points, or a rise confirmed by the next score."""
    assert "critical" == card(nihss=b.searchset(*(b.nihss(total, at) for total, at in series)))["indicator"]


def test_end_stands_first_in_the_detail_of_an_earlier_row():
    """What a later facts row would have said is not lost."""
    one = card(
        reports=b.searchset(b.report("Acute hemorrhage in the left thalamus.")),
        nihss=b.searchset(b.nihss(9, 1), b.nihss(11, 5)),
    )
    blocks = one["detail"].split("\n\n")
    assert "Ischemic stroke is coded" in one["summary"]
    assert "NIHSS 9 -> 11" in blocks[1]


@pytest.mark.parametrize(
    ("said", "hours", "changed"),
    [
        (
            "END risk not computed, and the END rule cannot be applied: no NIHSS total within 6 h of arrival",
            20,
            {"nihss": b.searchset(b.nihss(9, 12))},
        ),
        ("END risk not computed: the age is unknown", 6, {"patient": b.patient(birth_date=None)}),
        ("END risk not computed: more than 120 h after arrival", 121, {}),
    ],
)
def test_what_cannot_be_computed_is_an_info_card_without_a_number(said: str, hours: float, changed: dict):
    """The facts and the reason, never a number."""
    model = FakePredictor()
    one = card(hours=hours, predictor=model, **changed)
    assert said == one["summary"]
    assert ("info", 0) == (one["indicator"], model.calls)


def test_a_chart_too_far_from_the_training_data_gets_no_number():
    """The model may refuse; the card says why."""
    one = card(predictor=FakePredictor(refusal="glucose is outside what the model was trained on"))
    assert "END risk not computed: glucose is outside what the model was trained on" == one["summary"]


def test_all_else_is_a_risk_card_that_says_simulated_first():
    """The summary is complete alone, and the model is asked once."""
    model = FakePredictor()
    one = card(predictor=model)
    assert "Simulated model: END risk 46 % by Mon 9 Mar 08:00 (similar simulated patients: 30 %)" == one["summary"]
    assert ("warning", 1) == (one["indicator"], model.calls)


def test_a_risk_that_is_not_flagged_is_info_and_no_reassurance():
    """The words "low risk" stand nowhere."""
    one = card(predictor=FakePredictor(0.08, flagged=False))
    assert "info" == one["indicator"]
    assert "Not flagged, which is no reassurance." in one["detail"]


def test_a_failed_thrombectomy_query_is_unknown_and_the_number_is_still_given():
    """Unknown, never "not done"."""
    body = request(prefetch={key: value for key, value in prefetch().items() if key != "procedures"})
    (one,) = cards(body)
    assert "END risk" in one["summary"]
    assert "Thrombectomy: unknown." in one["detail"]


def test_a_withheld_simulated_risk_is_a_facts_card():
    """Production with ``withhold``: the model is never asked."""
    from cds_service.conclude import conclude
    from fhir_mappings.chart import RawChart
    from fhir_mappings.pipeline import snapshot_from

    held = {key: tuple(entry["resource"] for entry in value.get("entry", ())) or ((value,) if key == "patient" else ())
            for key, value in prefetch().items()}  # fmt: skip
    model = FakePredictor()
    answer = conclude(snapshot_from(RawChart(b.PATIENT_ID, held), b.at(6)), predictor=model, withhold=True)
    assert ("withheld", "risk not shown: no local validation", 0) == (answer.kind, answer.reason, model.calls)
    assert answer.scores


def test_an_old_value_is_said_with_its_age_in_hours():
    """A pressure of 14 h ago is used, and the card says how old it is."""
    vitals = b.searchset(b.observation("8480-6", 150, "mm[Hg]", 1, "bp", category="vital-signs"))
    nihss = b.searchset(b.nihss(9, 1), b.nihss(9, 14))
    assert "Old: Systolic blood pressure, latest 14 h." in card(15, vitals=vitals, nihss=nihss)["detail"]
