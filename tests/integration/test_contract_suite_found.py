"""Odd spellings and local codes are found on a server, not only mended and mapped once they are there."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import requests

from fhir_mappings.quirks import QUIRKS
from models.prediction import Predicts
from tests import builders as b
from tests.builders import Resource
from tests.integration.asking import Recorder, asked, service
from tests.integration.charts import Chart, occluded, resources, stroke
from tests.integration.servers import Server, kind_of
from tests.servers_told import tell

Outcome = Literal["found", "by category", "refused", "lost"]
KNOWN = tomllib.loads(Path(__file__).with_name("quirks.toml").read_text("utf-8")).get("outcome", [])
EXAMPLE = Path(__file__).parents[2] / "docs/examples/local_codes"
SITE = "https://hospital.example"
_REFUSALS = (400, 422)
"""A server's answers to what it does not take for FHIR."""

_MEANS: Mapping[Outcome, str] = {
    "by category": "found only where the site searches by category (ENDWATCH_SEARCH_BY_CATEGORY)",
    "refused": "the server refuses to hold it",
    "lost": "not found",
}
BY_CATEGORY = {"labs": "laboratory", "vitals": "vital-signs"}


def glucose(id_: str, **members: Any) -> Resource:
    """Glucose 131 mg/dL an hour after arrival."""
    return b.observation("2345-7", 131, "mg/dL", 1, f"{id_}-odd", patient=id_) | members


def coded(id_: str, code: str = "2345-7", system: str = b.LOINC) -> Resource:
    """The same under another coding."""
    return glucose(id_, code={"coding": [{"system": system, "code": code}]})


def said(id_: str, code: str, text: str, category: str) -> Resource:
    """A value that stands in a string."""
    raw = b.observation(code, None, hours=1, id_=f"{id_}-odd", category=category, patient=id_)
    return raw | {"valueString": text}


ODD: Mapping[str, Callable[[str], Resource]] = {
    "times_without_seconds": lambda id_: glucose(id_, effectiveDateTime="2026-03-02T09:00+00:00"),
    "offsets_without_colon": lambda id_: glucose(id_, effectiveDateTime="2026-03-02T10:00:00+0100"),
    "blanks_around_codes": lambda id_: coded(id_, "2345-7 "),
    "secure_loinc_system": lambda id_: coded(id_, system="https://loinc.org"),
    "ids_with_underscore": lambda id_: glucose(id_, id=f"{id_}_odd"),
    "empty_members": lambda id_: glucose(id_, valueQuantity={"value": 131, "unit": "mg/dL", "code": ""}, note=[]),
    "numbers_as_strings": lambda id_: glucose(id_, valueQuantity={"value": "131", "unit": "mg/dL"}),
    "quantities_as_strings": lambda id_: said(id_, "2345-7", "131 mg/dL", "laboratory"),
    "pressure_as_text": lambda id_: said(id_, "85354-9", "131/80", "vital-signs"),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_what_is_written_oddly_is_found(
    model: Predicts, server: Server, quirk: str, pytestconfig: pytest.Config
) -> None:
    """By codes, else by category, else the server never held it: never lost."""
    found = outcome(model, server, quirk)
    if server.given and found != "found":
        tell(pytestconfig, f"{server.name} {server.version}, {quirk}: {_MEANS[found]}")
    assert found in accepted(server, quirk)


def outcome(model: Predicts, server: Server, quirk: str) -> Outcome:
    """What becomes of a resource with this quirk."""
    id_ = f"endwatch-{quirk.replace('_', '-')}"
    server.put(resources(stroke(id_)))
    status = server.try_to_put(ODD[quirk](id_))
    if status in _REFUSALS:
        return "refused"
    assert 200 <= status < 300, f"writing a resource was answered {status}"
    recorder = Recorder(model)
    name = "systolic_bp_latest" if quirk == "pressure_as_text" else "glucose"
    asked(service(recorder, server), id_, server=server)
    if recorder.feature(name).value == 131:
        return "found"
    asked(service(recorder, server, search_by_category=BY_CATEGORY), id_, server=server)
    return "by category" if recorder.feature(name).value == 131 else "lost"


def accepted(server: Server, quirk: str) -> set[Outcome]:
    """What quirks.toml says of a kind, else that it is found; a server of somebody's own may do better.

    Of one that nobody knows nothing may be lost: what it takes has to be found by codes or by category.
    """
    if server.kind == "unknown":
        return {"found", "by category", "refused"}
    named = (row["outcome"] for row in KNOWN if (row["server"], row["quirk"]) == (server.kind, quirk))
    listed: Outcome = next(named, "found")
    return {listed, "found"} if server.given else {listed}


@pytest.mark.parametrize(
    ("name", "given", "quirk", "outcomes"),
    [
        ("HAPI FHIR Server", True, "ids_with_underscore", {"found", "refused"}),
        ("HAPI FHIR Server", True, "numbers_as_strings", {"found"}),
        ("HAPI FHIR Server", False, "ids_with_underscore", {"refused"}),
        ("SEKMET FHIR R4 Tester", True, "blanks_around_codes", {"found", "by category"}),
        ("A server of a vendor", True, "numbers_as_strings", {"found", "by category", "refused"}),
    ],
)
def test_what_is_demanded_of_a_server_follows_from_the_name_that_it_tells(
    name: str, given: bool, quirk: str, outcomes: set[Outcome]
) -> None:
    """A tester's own HAPI is a HAPI; what nobody knows may refuse, and never loses."""
    with requests.Session() as session:
        server = Server(kind_of(name), "", "", name, "1", session, given=given)
    assert outcomes == accepted(server, quirk)


def test_every_quirk_has_its_example_and_every_row_its_quirk() -> None:
    """A new quirk needs one here; a row that no test reads would say nothing."""
    assert set(QUIRKS) == set(ODD)
    assert {row["quirk"] for row in KNOWN} <= set(QUIRKS)


def local(id_: str, code: str, system: str, **members: Any) -> Resource:
    """An Observation under a local code, an hour after arrival."""
    raw = b.observation(code, None, hours=1, id_=f"{id_}-{code.lower()}", system=system, patient=id_)
    return raw | members


def scored(id_: str) -> Chart:
    """NIHSS 11 with every motor item, the left arm under a local code and its answer too."""
    total = local(id_, "4711", f"{SITE}/flowsheet", valueInteger=11)
    answer = {"coding": [{"system": f"{SITE}/flowsheet", "code": "arm-no-movement"}]}
    arm = local(id_, "4712", f"{SITE}/flowsheet", valueCodeableConcept=answer)
    others = [
        local(id_, b.NIHSS_ITEM_CODES[item], b.LOINC, valueInteger=1) for item in ("5b", "6a", "6b")
    ]  # fmt: skip
    return stroke(id_, nihss=[total, arm, *others])


def form(id_: str) -> Chart:
    """The NIHSS in a form of the hospital's own."""
    items = [("q-total", 11), ("q-5a", 2)]
    filled: Resource = {
        "resourceType": "QuestionnaireResponse", "id": f"{id_}-form", "status": "completed",
        "subject": b.subject(id_), "questionnaire": f"{SITE}/fhir/Questionnaire/nihss", "authored": b.when(1),
        "item": [{"linkId": link, "answer": [{"valueInteger": points}]} for link, points in items],
    }  # fmt: skip
    return stroke(id_, nihss=[], forms=[filled])


def drug(id_: str) -> Chart:
    """A home drug from the hospital's formulary."""
    raw = b.medication_request("ASS 75", id_=f"{id_}-drug", patient=id_)
    raw["medicationCodeableConcept"]["coding"] = [{"system": f"{SITE}/formulary", "code": "D-00123"}]
    return stroke(id_, medications=[raw])


def rate(id_: str) -> Chart:
    """A heart rate whose code has no system."""
    raw = b.observation("HR", 88, "/min", 1, f"{id_}-hr", category="vital-signs", patient=id_)
    raw["code"] = {"coding": [{"code": "HR"}]}
    return stroke(id_, vitals=[raw])


def lab(id_: str, code: str, value: float, unit: str) -> Chart:
    """A laboratory value under a local code."""
    return stroke(id_, labs=[b.observation(code, value, unit, 1, f"{id_}-lab", system=f"{SITE}/lab", patient=id_)])


LOCAL: Mapping[str, tuple[Callable[[str], Chart], Mapping[str, float]]] = {
    "lab": (lambda id_: lab(id_, "GLUC-P", 131, "mg/dL"), {"glucose": 131}),
    "d-dimer": (lambda id_: lab(id_, "DDIM", 1.5, "mg/L{FEU}"), {"d_dimer": 1.5}),
    "nihss": (scored, {"nihss_baseline": 11, "nihss_motor": 7}),
    "form": (form, {"nihss_baseline": 11}),
    "no-system": (rate, {"heart_rate_latest": 88}),
    "drug": (drug, {"antiplatelet": 1}),
}


@pytest.mark.parametrize("kind", LOCAL)
def test_a_local_code_is_found(model: Predicts, server: Server, kind: str) -> None:
    """The code stands in the searches that the service makes, so that the server brings what is coded so."""
    chart, wanted = LOCAL[kind]
    id_ = f"endwatch-local-{kind}"
    server.put(resources(chart(id_)))
    recorder = Recorder(model)
    asked(service(recorder, server, local_codes=EXAMPLE), id_, server=server)
    assert wanted == {name: recorder.feature(name).value for name in wanted}


@pytest.mark.parametrize(
    ("code", "shown"),
    [(None, ["occlusion"]), ("EVT-DECLINED", ["risk"]), ("EVT", [])],
    ids=["nothing charted", "declined", "done"],
)
def test_a_local_procedure_decides_the_card(
    model: Predicts, server: Server, code: str | None, shown: list[str]
) -> None:
    """With an occlusion on the report: reperfusion first; decided against: the risk; done: no card at all."""
    id_ = f"endwatch-local-{(code or 'open').lower()}"
    done = [b.procedure(code, 3, f"{id_}-done", system=f"{SITE}/procedure", patient=id_)] if code else []
    server.put(resources(occluded(id_, *done)))
    cards = asked(service(model, server, local_codes=EXAMPLE), id_, server=server)["cards"]
    assert shown == ["risk" if "risk" in card["summary"] else "occlusion" for card in cards]
