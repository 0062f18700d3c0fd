"""Servers that do not answer are left alone for a while."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
import requests

from cds_service.fhir_client.ask import ask
from cds_service.fhir_client.client import FhirClient
from cds_service.outbound.breaker import MOST_FAILURES, PAUSE_S, Breaker, Breakers
from fhir_mappings.queries import Search
from tests import builders as b
from tests.cds_service.calls import client, request
from tests.cds_service.test_collect import asked, server
from tests.fakes import BASE, Answer, FakeFhir, session_with

URL = "/cds-services/end-risk"
REFUSED = requests.ConnectionError("refused")
SEARCHES = [Search("Observation", (("patient", "p1"),)), Search("Condition", (("patient", "p1"),))]


@dataclass
class Clock:
    """A clock that goes on when told."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The moment."""
        return self.now


def opened(clock: Clock) -> Breaker:
    """The breaker of a server that has just failed as often as it may."""
    breaker = Breaker(clock)
    for _ in range(MOST_FAILURES):
        assert breaker.lets_through()
        breaker.saw(answered=False)
    return breaker


def test_a_server_that_failed_in_a_row_is_left_alone_and_then_tried_by_one():
    """After the pause one round goes through; the others wait for what it brings."""
    clock = Clock()
    breaker = opened(clock)
    assert not breaker.lets_through()
    clock.now += PAUSE_S
    assert [True, False, False] == [breaker.lets_through() for _ in range(3)]


@pytest.mark.parametrize("answered", [True, False])
def test_the_round_that_tried_decides(answered: bool):
    """Answered, the server is asked as before; not answered, it has another pause."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_S
    assert breaker.lets_through()
    breaker.saw(answered=answered)
    assert [answered] * 2 == [breaker.lets_through() for _ in range(2)]


def test_a_round_that_tried_and_was_never_heard_of_does_not_close_the_server_for_ever():
    """The call may have ended otherwise: after another pause the next one tries."""
    clock = Clock()
    breaker = opened(clock)
    for _ in range(2):
        clock.now += PAUSE_S
        assert breaker.lets_through()


def test_failures_that_are_not_in_a_row_do_not_count_together():
    """A server that answers now and then is asked."""
    breaker = Breaker(Clock())
    for _ in range(MOST_FAILURES):
        breaker.saw(answered=False)
        breaker.saw(answered=True)
    assert breaker.lets_through()


def test_hosts_are_judged_apart_and_one_host_once():
    """Two bases on one host stand and fall together."""
    breakers = Breakers()
    assert breakers.of("https://ehr.example/a") is breakers.of("https://EHR.example:443/b")
    assert breakers.of("https://ehr.example/a") is not breakers.of("https://other.example/a")


def test_many_threads_let_one_try():
    """However many calls come at the same moment."""
    clock = Clock()
    breaker = opened(clock)
    clock.now += PAUSE_S
    with ThreadPoolExecutor(16) as pool:
        assert 1 == sum(pool.map(lambda _: breaker.lets_through(), range(200)))


def rounds(fhir: FakeFhir, count: int, breaker: Breaker | None = None) -> list[str]:
    """Why the first request of each of so many rounds failed."""
    one = FhirClient(BASE, session_with(fhir), time.monotonic() + 5, breaker=breaker or Breaker(Clock()))
    return [ask(one, b.PATIENT_ID, SEARCHES)[0].why for _ in range(count)]


@pytest.mark.parametrize("answer", [REFUSED, requests.Timeout("slow"), (507, {})])
def test_calls_fail_at_once_after_a_server_answered_none_of_the_last(answer: Any):
    """With the reason, and without a request."""
    fhir = FakeFhir({"Observation": answer, "Condition": answer})
    why = rounds(fhir, MOST_FAILURES + 1)
    assert "the FHIR server did not answer the last calls" == why[-1]
    assert why[-1] not in why[:-1]
    assert len(SEARCHES) * MOST_FAILURES == len(fhir.asked)


@pytest.mark.parametrize("other", [(200, b.searchset()), (404, {}), (403, {}), (501, {}), (200, b"<html>")])
def test_one_type_that_cannot_be_read_says_nothing_of_the_others(other: Any):
    """Whatever a server answers, it is there."""
    fhir = FakeFhir({"Observation": REFUSED, "Condition": other})
    assert {"the FHIR server gave no answer (not reachable)"} == set(rounds(fhir, MOST_FAILURES + 2))


def test_a_round_in_anothers_place_counts_only_where_it_is_answered():
    """What is asked besides may be what the server lacks; an answer says as much as any."""
    breaker = Breaker(Clock())
    for types, answer in (("Observation", REFUSED), ("Condition", (200, b.searchset()))):
        one = FhirClient(BASE, session_with(FakeFhir({types: answer})), time.monotonic() + 5, breaker=breaker)
        for _ in range(MOST_FAILURES - 1):
            breaker.saw(answered=False)
        ask(one, b.PATIENT_ID, [Search(types)], besides=True)
        assert breaker.lets_through()
        breaker.saw(answered=False)
        assert breaker.lets_through() is (answer is not REFUSED)
        breaker.saw(answered=True)


LACKS = {"QuestionnaireResponse": (501, {}), "MedicationStatement": (501, {}), "Binary/b1": (503, {})}
"""What a server in good health may answer to what is asked besides."""


def sound(**lacking: Answer) -> FakeFhir:
    """A server that answers all that a card needs, 50 ms late, but has no NIHSS, drugs or text of its own to give."""
    report = {key: value for key, value in b.report("", id_="r1").items() if key != "conclusion"}
    report["presentedForm"] = [{"contentType": "application/pdf", "url": "Binary/b1"}]
    held = server(Observation=(200, b.searchset()), DiagnosticReport=(200, b.searchset(report))) | lacking

    def late(answer: Any) -> Any:
        def given(_: requests.PreparedRequest) -> Any:
            time.sleep(0.05)
            return answer

        return given

    return FakeFhir({path: late(answer) for path, answer in held.items()})


def test_types_that_a_sound_server_lacks_cost_no_later_call_its_card():
    """501 is an answer, and an attachment that cannot be had is that attachment's matter."""
    service = client(sound(**LACKS))
    assert [200] * 5 == [service.post(URL, json=asked(hookInstance=str(uuid4()))).status_code for _ in range(5)]


@pytest.mark.parametrize("lacking", [LACKS, LACKS | {"QuestionnaireResponse": (503, {})}])
def test_calls_at_once_to_a_sound_server_all_get_their_card(lacking: dict[str, Answer]):
    """Their rounds come in any order: those that a server cannot answer never stand in a row."""
    application = client(sound(**lacking), calls_at_once=8).application

    def status(number: int) -> int:
        time.sleep(number * 0.02)
        body = asked(hookInstance=str(uuid4()))
        return application.test_client().post(URL, json=body).status_code

    with ThreadPoolExecutor(6) as pool:
        assert [200] * 12 == list(pool.map(status, range(12)))


def test_what_was_not_asked_does_not_count():
    """A call that had no time left, or hardly any, tells nothing of the server."""

    def slow(_: requests.PreparedRequest) -> Answer:
        time.sleep(0.3)
        return 200, b.searchset()

    breaker = Breaker(Clock())
    one = FhirClient(BASE, session_with(FakeFhir({"Observation": slow, "Condition": slow})), 0.0, breaker=breaker)
    for left_s, why in ((-1.0, "no time left"), (0.1, "timed out")) * MOST_FAILURES:
        assert why in ask(replace(one, until=time.monotonic() + left_s), b.PATIENT_ID, SEARCHES)[0].why
    assert ask(replace(one, until=time.monotonic() + 5), b.PATIENT_ID, SEARCHES)[0].heard


def test_a_call_to_a_server_left_alone_is_412_at_once_and_says_why():
    """The breaker lives as long as the service, and not as a call."""
    fhir = FakeFhir(dict.fromkeys(("Patient/p1", "Encounter", "Condition", "Procedure"), REFUSED))
    service, body = client(fhir), request(fhirServer=BASE)
    del body["prefetch"]
    answers = [service.post(URL, json=body) for _ in range(MOST_FAILURES + 1)]
    assert {412} == {answer.status_code for answer in answers}
    assert "the FHIR server did not answer the last calls" in answers[-1].get_json()["issue"][0]["diagnostics"]
    assert 4 * MOST_FAILURES == len(fhir.asked)
