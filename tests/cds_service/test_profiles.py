"""Kinds of FHIR servers as data, and how a search is shaped by them."""

import time
from dataclasses import replace
from functools import partial
from typing import Any, get_args
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cds_service.app import create_app
from cds_service.demo.patients import DemoPatient, as_of, demo_patients, request_for
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.collect import Case, collect
from cds_service.fhir_client.profiles import FIELDS, GENERIC, Profile, profiles, table
from cds_service.fhir_client.shaping import is_posted, parts_of, ways
from cds_service.settings import FhirServer, Settings
from fhir_mappings.queries import CLINICAL, CORE, Search, fallback_searches, own_searches
from fhir_mappings.snapshot import Raw
from tests import builders as b
from tests.cds_service.calls import client
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with
from tests.integration.oracle import LARGEST, ruled
from tests.oracle import is_within, oracle

URL = "/cds-services/end-risk"
BOUNDS = (("date", "ge2026-03-02T07:00:00+00:00"), ("date", "lt2026-03-03T08:00:00+00:00"))
CODES = Search("Observation", (("patient", "p1"), ("code", ",".join(f"{b.LOINC}|{number}-0" for number in range(250)))))


def named(name: str, **changed: Any) -> Profile:
    """A profile, with what is changed in it."""
    return replace(profiles()[name], **changed)


def test_the_settings_name_exactly_the_profiles_that_there_are():
    """One list in the settings, one in the data."""
    assert set(get_args(FhirServer.model_fields["profile"].annotation)) == set(profiles())


@pytest.mark.parametrize("name", profiles())
def test_every_row_has_a_value_with_its_source_or_is_said_to_be_unknown(name: str):
    """And nothing else stands there."""
    assert set(FIELDS) == set(table()[name])
    for field, row in table()[name].items():
        assert set(row) in ({"value", "source"}, {"unknown"}), field
        assert all(str(text) for text in row.values())
        assert name != GENERIC or "value" in row


@pytest.mark.parametrize("name", profiles())
def test_what_is_unknown_of_a_vendor_is_as_for_any_server(name: str):
    """No guess stands in for what nobody has read or tried."""
    profile, generic = profiles()[name], profiles()[GENERIC]
    unknown = {field for field, row in table()[name].items() if "unknown" in row}
    assert unknown == profile.unknown
    assert [getattr(generic, field) for field in unknown] == [getattr(profile, field) for field in unknown]


def test_a_listed_server_is_asked_as_its_profile_says():
    """From the setting to the request: Oracle gets no ``_sort``."""
    for profile in ("generic", "oracle"):
        fhir = FakeFhir({})
        listed = (FhirServer(base=BASE, auth="none", profile=profile),)
        body = {"fhirServer": BASE, "hook": "patient-view", "hookInstance": "0f9b1d52-7d7c-4a55-9b35-6f7a5d1f3c11"}
        context = {"userId": "Practitioner/1", "patientId": b.PATIENT_ID}
        client(fhir, fhir_servers=listed).post(URL, json=body | {"context": context})
        (asked, *_) = fhir.params("Condition")
        assert ({"_count"} if profile == "generic" else set()) == set(asked) - {"patient"}


def test_codes_beyond_one_url_go_in_several_searches_and_none_is_lost():
    """Where no body is read; each list is short enough, and the other parameters stay."""
    parts = parts_of(CODES, named("generic"))
    lists = [dict(part.params)["code"] for part in parts]
    assert len(parts) > 1
    assert all(len(each) <= profiles()["generic"].longest_list for each in lists)
    assert dict(CODES.params)["code"] == ",".join(lists)
    assert {"p1"} == {dict(part.params)["patient"] for part in parts}


def test_a_code_that_is_longer_than_a_list_goes_alone():
    """It is asked for all the same."""
    long = Search("Observation", (("code", f"http://site.example|{'x' * 40},{b.LOINC}|1-1"),))
    assert 2 == len(parts_of(long, named("generic", longest_list=30)))


def test_a_server_that_reads_bodies_gets_all_codes_in_one():
    """250 codes in one POST; what fits into a URL stays a GET."""
    fhir = FakeFhir(
        {"Observation/_search": (200, b.searchset(b.observation("7-0", 1))), "Observation": (200, b.searchset())}
    )
    one = FhirClient(BASE, session_with(fhir), time.monotonic() + 5, "secret-1", profile=named("hapi"))
    assert (CODES,) == parts_of(CODES, one.profile)
    assert 1 == len(one.search(CODES, "p1").resources)
    one.search(Search("Observation", (("patient", "p1"), ("code", "1-1"))), "p1")
    posted, got = fhir.asked
    assert ("POST", f"{BASE}/Observation/_search", "GET") == (posted.method, posted.url, got.method)
    form = parse_qs(str(posted.body))
    assert (["p1"], 250) == (form["patient"], len(form["code"][0].split(",")))
    assert ("application/x-www-form-urlencoded", "no-cache", "Bearer secret-1") == (
        posted.headers["Content-Type"], posted.headers["Cache-Control"], posted.headers["Authorization"],
    )  # fmt: skip


def test_a_body_that_is_not_read_is_noticed():
    """A server that answers a POST with everybody's data loses the whole answer."""
    other = b.observation("7-0", 1) | {"subject": {"reference": "Patient/p2"}}
    fhir = FakeFhir({"Observation/_search": (200, b.searchset(other))})
    one = FhirClient(BASE, session_with(fhir), time.monotonic() + 5, profile=named("hapi"))
    with pytest.raises(Exception, match="another patient"):
        one.search(CODES, "p1")


@pytest.mark.parametrize(("name", "largest"), [("generic", 200), ("hapi", 500), ("oracle", 200), ("medplum", 1000)])
def test_pages_are_as_large_as_a_server_gives_them(name: str, largest: int):
    """Each page is a round trip."""
    asked = ways(Search("Observation", (("patient", "p1"), ("_count", "50"))), named(name))[0]
    assert str(largest) == dict(asked.params)["_count"]
    assert 1 == [key for key, _ in asked.params].count("_count")


def test_a_server_that_takes_one_bound_gets_the_lower_and_the_oldest_first():
    """So the arrival of a patient who has been here for a week comes on the first page."""
    search = Search("Observation", (("patient", "p1"), *BOUNDS, ("_sort", "-date")))
    one, two = ways(search, named("generic"))[0].params, ways(search, named("hapi"))[0].params
    assert ([BOUNDS[0]], "date") == ([each for each in one if each[0] == "date"], dict(one)["_sort"])
    assert (list(BOUNDS), "-date") == ([each for each in two if each[0] == "date"], dict(two)["_sort"])


def test_what_a_server_refuses_is_asked_more_plainly():
    """Without order, but then with both bounds, as the oldest cannot come first; then with what is needed alone."""
    search = Search("Observation", (("patient", "p1"), *BOUNDS, ("_sort", "-date")))
    named_ = [[name for name, _ in way.params] for way in ways(search, named("generic"))]
    plain = ["patient", "date"]
    assert [[*plain, "_sort", "_count"], [*plain, "date", "_count"], plain] == named_
    assert 1 == len(ways(Search("Condition", (("patient", "p1"),)), named("oracle")))


@pytest.mark.parametrize(("form", "codes"), [("system|code", f"{b.LOINC}|1-1,|X"), ("code", "1-1,X")])
def test_codes_are_written_as_the_server_reads_them(form: Any, codes: str):
    """With their system in front or without."""
    search = Search("Observation", (("patient", "p1"), ("code", f"{b.LOINC}|1-1,|X")))
    assert codes == dict(ways(search, named("generic", code_form=form))[0].params)["code"]


def test_only_codes_that_are_too_many_are_posted():
    """By their length as it stands in a URL."""
    assert [True, False] == [is_posted(CODES, named(name)) for name in ("hapi", "generic")]
    assert not is_posted(Search("Condition", (("patient", "p1"),)), named("hapi"))


@pytest.mark.parametrize("t0", [None, b.T0])
def test_no_search_of_ours_breaks_the_rules_of_oracle(t0: Any):
    """Nothing is refused, not even at first, and no page is larger than its largest."""
    profile = named("oracle")
    for query in (*CORE, *CLINICAL):
        searches = own_searches(query, "p1", t0=t0, as_of=b.at(4)) + fallback_searches(query, "p1", t0=t0)
        for search in (one for one in searches if one.path not in profile.lacks and "/" not in one.path):
            params = ways(search, profile)[0].params
            assert ruled(f"/{search.path}", urlencode(params), "application/fhir+json")
            assert int(dict(params).get("_count", 0)) <= LARGEST.get(search.path, 0)


def answer(patient: DemoPatient, fhir: FakeFhir, profile: Any, body: dict[str, Any]) -> Any:
    """What a call of this demo patient gets at its own moment."""
    listed = (FhirServer(base=BASE, auth="none", profile=profile),)
    settings = Settings(mode="test", fhir_servers=listed, deadline_ms=30_000)
    service = create_app(
        settings, predictor=FakePredictor(), session=session_with(fhir), clock=lambda: as_of(patient.bundle)
    ).test_client()
    response = service.post(URL, json=body)
    assert 200 == response.status_code, response.get_json()
    return [{**card, "uuid": None, "suggestions": None} for card in response.get_json()["cards"]]


@pytest.mark.parametrize("patient", demo_patients(), ids=lambda patient: patient.id)
def test_a_server_with_oracles_rules_gives_the_card_of_a_whole_prefetch(patient: DemoPatient):
    """And without its profile the same, but for what is said of a type that it lacks."""
    fhir = oracle([entry["resource"] for entry in patient.bundle["entry"]])
    sent = answer(patient, FakeFhir({}), "oracle", request_for(patient, patient.bundle))
    body = request_for(patient, patient.bundle, with_prefetch=False, fhir_server=BASE)
    assert sent == answer(patient, fhir, "oracle", body)
    read = answer(patient, fhir, "generic", body)
    assert sent == read or "partly unknown: the FHIR server answered 404 (MedicationStatement)" in read[0]["detail"]


@pytest.mark.parametrize("profile", ["oracle", "generic"])
def test_arrival_is_reached_behind_a_week_of_vital_signs(profile: str):
    """Four kinds every 15 minutes for 160 hours: first and newest are there, and nothing is said to lack."""
    codes = ("8480-6", "8462-4", "8867-4", "9279-1")
    vitals = [
        b.observation(code, number, "/min", number / 4, f"{code}-{number}", category="vital-signs")
        for number in range(160 * 4)
        for code in codes
    ]
    fhir = oracle([b.patient(), b.encounter(), *vitals])
    one = FhirClient(BASE, session_with(fhir), time.monotonic() + 30, profile=profiles()[profile])
    asked = [query for query in CLINICAL if query.key == "vitals"]
    chart = collect(asked, Case(b.PATIENT_ID, b.at(160), client=one), t0=b.T0)
    values = [raw["valueQuantity"]["value"] for raw in chart.resources["vitals"]]
    assert (639, 0, ()) == (values[0], values[-1], chart.issues)
    assert len(fhir.asked) < len(vitals) / 200


def rates(count: int) -> list[Raw]:
    """A heart rate every quarter of an hour, the newest first; each value is its number."""
    numbers = reversed(range(count))
    return [b.observation("8867-4", n, "/min", n / 4, f"hr-{n}", category="vital-signs") for n in numbers]


def refusing(name: str, most: int, raws: list[Raw]) -> FakeFhir:
    """A server that takes a parameter so often at most, and gives 100 entries a page, the newest first unless told."""

    def answer(request: Any) -> tuple[int, Any]:
        url = urlsplit(request.url)
        asked = parse_qs(url.query)
        if len(asked.get(name, [])) > most:
            return 400, {}
        ordered = raws[::-1] if asked.get("_sort") == ["date"] else raws
        found = [raw for raw in ordered if all(map(partial(is_within, raw), asked.get("date", [])))]
        begin = int(asked.get("page", ["0"])[-1])
        following = f"{BASE}/Observation?{url.query}&page={begin + 100}" if begin + 100 < len(found) else None
        return 200, b.searchset(*found[begin : begin + 100], next_url=following)

    return FakeFhir({"Observation": answer})


@pytest.mark.parametrize("count", [640, 2000])
@pytest.mark.parametrize(("refused", "most"), [("date", 1), ("_count", 0), ("_sort", 0)])
@pytest.mark.parametrize("profile", ["hapi", "oracle", "generic"])
def test_arrival_is_reached_or_missed_aloud_if_a_search_is_refused(profile: str, refused: str, most: int, count: int):
    """What is asked more plainly may begin with the newest and have no end: a day of that is no arrival."""
    fhir = refusing(refused, most, rates(count))
    one = FhirClient(BASE, session_with(fhir), time.monotonic() + 30, profile=profiles()[profile])
    asked = [query for query in CLINICAL if query.key == "vitals"]
    chart = collect(asked, Case(b.PATIENT_ID, b.at(count / 4), client=one), t0=b.T0)
    values = [raw["valueQuantity"]["value"] for raw in chart.resources["vitals"]]
    assert count - 1 == values[0]
    reached = values[-1] == 0
    assert reached != bool(chart.issues)
    assert reached or count > 1000
