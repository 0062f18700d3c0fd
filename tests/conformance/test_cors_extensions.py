"""Rows 98-100: browsers, the age of advice, and extensions."""

import re

import pytest
from werkzeug.test import TestResponse

from tests.cds_service.calls import client, request
from tests.conformance.answered import URL, Answered, Json
from tests.conformance.response_checks import CHECKS
from tests.conformance.signing import Signer

ORIGIN = "https://apps.ehr.example"
ENDPOINTS = pytest.mark.parametrize(
    ("path", "method"), [("/cds-services", "GET"), (URL, "POST"), (f"{URL}/feedback", "POST")]
)


def words(response: TestResponse, header: str) -> set[str]:
    """The comma-separated words of a header, in lower case."""
    return {word.strip().lower() for word in response.headers.get(header, "").split(",")} - {""}


def preflight(path: str, method: str, origin: str, signer: Signer) -> TestResponse:
    """What a browser is told that asks first; it never sends a token with the question."""
    wanted = {"Origin": origin, "Access-Control-Request-Method": method,
              "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    return client(**signer.production(cors_origins=(ORIGIN,))).options(path, headers=wanted)


@ENDPOINTS
@pytest.mark.row(98)
def test_a_listed_origin_may_ask_first(signer: Signer, path: str, method: str):
    """All three endpoints, in production too, where every other call needs a token."""
    told = preflight(path, method, ORIGIN, signer)
    assert (True, ORIGIN) == (told.status_code < 300, told.headers["Access-Control-Allow-Origin"])
    assert method.lower() in words(told, "Access-Control-Allow-Methods")
    assert {"authorization", "content-type"} <= words(told, "Access-Control-Allow-Headers")


@ENDPOINTS
@pytest.mark.row(98)
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", ORIGIN.replace("https", "http")]
)
def test_an_origin_that_is_not_listed_may_not(signer: Signer, path: str, method: str, origin: str):
    """Nor one that looks like it."""
    assert "Access-Control-Allow-Origin" not in preflight(path, method, origin, signer).headers


@pytest.mark.row(98)
def test_a_browser_may_read_every_answer_and_error(signer: Signer):
    """200, 400, 401, 404, 405, 412 and 415, with the request's id; without the header even the status is hidden."""
    service, from_browser = client(**signer.production(cors_origins=(ORIGIN,))), {"Origin": ORIGIN}

    def posted(path: str = URL, **more: object) -> TestResponse:
        headers = from_browser | signer.header(path)
        return service.post(path, headers=headers, **more)  # type: ignore[arg-type]

    answers = [
        posted(json=request()), posted(json={}), service.post(URL, json=request(), headers=from_browser),
        posted("/cds-services/other", json={}), service.put(URL, headers=from_browser),
        posted(json=request(prefetch={})), posted(data="x", content_type="text/plain"),
    ]  # fmt: skip
    assert [200, 400, 401, 404, 405, 412, 415] == [answer.status_code for answer in answers]
    assert {ORIGIN} == {answer.headers.get("Access-Control-Allow-Origin") for answer in answers}
    assert all("x-request-id" in words(answer, "Access-Control-Expose-Headers") for answer in answers)


@pytest.mark.row(98)
def test_a_cache_keeps_the_answers_of_origins_apart(signer: Signer):
    """Or one origin's discovery would be shown to another without its permission."""
    service = client(**signer.production(cors_origins=(ORIGIN, "https://other.example")))
    answer = service.get("/cds-services", headers={"Origin": ORIGIN} | signer.header("/cds-services"))
    assert "origin" in words(answer, "Vary")


@pytest.mark.row(99)
def test_every_card_says_as_of_when_its_data_are(cards: tuple[Json, ...]):
    """A card that is left open must show its age."""
    assert cards
    assert all(re.search(r"Data as of \w{3} \d{2}:\d{2}\.", card["detail"]) for card in cards)


@pytest.mark.row(99)
def test_a_later_call_gives_a_card_of_its_own_that_replaces_the_first():
    """Another instance, the same topic: the client can tell that both are of this service."""
    service = client()
    first, second = (
        service.post(URL, json=request(**more)).get_json()["cards"][0]
        for more in ({}, {"hookInstance": "1f9b1d52-7d7c-4a55-9b35-6f7a5d1f3c11"})
    )
    assert first["uuid"] != second["uuid"]
    assert first["source"]["topic"] == second["source"]["topic"]


EXTENSION = {"org.example.agreed": {"level": 1, "nested": [{"a": None}]}}


@pytest.mark.row(100)
def test_an_extension_is_taken_at_every_place_of_a_request():
    """In the call, its context, its authorization, an entry of feedback; the answer is the same."""
    whole = request()
    whole["context"] |= {"extension": EXTENSION}
    plain, extended = (
        client().post(URL, json=body).get_json() for body in (request(), whole | {"extension": EXTENSION})
    )
    assert plain["cards"][0]["detail"] == extended["cards"][0]["detail"]
    entry = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z", "extension": EXTENSION}
    body = {"feedback": [entry], "extension": EXTENSION}
    assert 200 == client().post(f"{URL}/feedback", json=body).status_code


@pytest.mark.row(100)
def test_nothing_that_we_send_has_an_extension(answers: tuple[Answered, ...]):
    """Nothing is agreed with any client, in answers as in discovery."""
    sent = [answer.body for answer in answers] + [client().get("/cds-services").get_json()]
    assert [] == [fault for body in sent for fault in CHECKS[115](body)]
