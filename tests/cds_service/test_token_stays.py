"""The EHR's token goes to the listed server and to nobody else, whatever that server answers."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.paging import rebased
from cds_service.outbound.session import OutboundError, get_json, new_session
from cds_service.settings import FhirServer, Settings
from fhir_mappings.queries import Search
from tests import builders as b
from tests.cds_service.calls import client, prefetch, request
from tests.cds_service.test_collect import asked, server
from tests.fakes import FakeFhir, FakePredictor
from tests.loopback import Heard, http, listening

TOKEN = "secret-1"
ALL = Search("Observation", (("patient", b.PATIENT_ID),))
Wording = Callable[[str], bytes]


def page(next_url: str) -> bytes:
    """A searchset whose ``next`` is this URL."""
    return http(json.dumps(b.searchset(b.nihss(1, 1), next_url=next_url)).encode())


def moved(status: str) -> Wording:
    """A redirect."""
    return lambda thief: http(b"", f"Location: {thief}", status=status)


def said(**headers: str) -> Wording:
    """An empty searchset with headers that name the other server."""
    lines = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return lambda thief: http(json.dumps(b.searchset()).encode(), *(line.replace("*", thief) for line in lines))


def attack(prefix: str, tail: str = "/Observation?page=2") -> Wording:
    """A ``next`` that leads away."""
    return lambda thief: page(f"{prefix}{thief.removeprefix('http:')}{tail}")


ATTACKS: dict[str, Wording] = {
    **{status: moved(f"{status} Moved") for status in ("301", "302", "303", "307", "308")},
    "201": lambda thief: http(b"{}", f"Location: {thief}", f"Content-Location: {thief}", status="201 Created"),
    "Link": said(Link='<*>; rel="next"', Content_Location="*", Refresh="0; url=*", Alt_Svc='h2="*"'),
    "next": attack("http:"),
    "next without scheme": attack(""),
    "next of HAPI": attack("http:", "?_getpages=1"),
    "next with the token's name": lambda thief: page(thief.replace("http://", "http://ehr@") + "/Observation?page=2"),
    "next of a path": attack("/fhir/..;@", "/Observation?page=2"),
    "next with a backslash": lambda thief: page("\\\\" + thief.removeprefix("http://") + "/Observation?page=2"),
    "next with a tab": lambda thief: page("ht\ttp:\t" + thief.removeprefix("http:") + "/Observation?page=2"),
    "fullUrl": lambda thief: http(
        json.dumps({**b.searchset(), "link": [{"relation": "self", "url": thief}]}).encode()
    ),
}  # fmt: skip


@contextmanager
def two_servers(wording: Wording) -> Iterator[tuple[str, Heard, list[str]]]:
    """A listed server that answers like this, what it hears, and who comes to the other server."""
    with listening(Heard(http(json.dumps(b.searchset()).encode()))) as (thief, robbed):
        heard = Heard(wording(thief))
        with listening(heard) as (url, _):
            yield url, heard, robbed


@pytest.mark.parametrize("name", ATTACKS)
def test_no_answer_leads_us_to_another_server(name: str):
    """Redirects are never followed, and the next page is asked on the listed base or not at all."""
    with two_servers(ATTACKS[name]) as (url, heard, robbed), new_session() as session:
        with suppress(OutboundError):
            FhirClient(url, session, time.monotonic() + 5, TOKEN).search(ALL, b.PATIENT_ID)
        assert [] == robbed
    assert heard.requests
    assert all(f"\r\nAuthorization: Bearer {TOKEN}\r\n" in one for one in heard.requests)


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_a_redirect_on_the_same_server_is_not_followed_either(status: str):
    """Its path could be another tenant's; FHIR needs no redirects."""

    def reply(connection: socket.socket) -> None:
        while data := connection.recv(65_536):
            heard.append(data)
            connection.sendall(http(b"", "Location: /fhir/elsewhere", status=f"{status} Moved"))

    heard: list[bytes] = []
    with listening(reply) as (url, _), new_session() as session:
        with pytest.raises(OutboundError, match=f"answered {status}"):
            get_json(session, url, until=time.monotonic() + 5)
        assert int(status) == session.get(url, timeout=5).status_code  # even where a caller forgets to say so
    assert 2 == len(heard)


NOWHERE = FhirClient("https://ehr.example/fhir/r4", new_session(), 0.0)
ROOT = FhirClient("https://ehr.example", new_session(), 0.0)
PIECES = st.sampled_from(
    ["https:", "http:", "mailto:", "//", "/", "\\", "@", ":", "?", "#", "..", ".", "%2e", "%2f", ";", "[", "]", "\t",
     "\n", " ", "ehr.example", "attacker.example", "/fhir/r4", "/Observation", "Observation", "page=2", "_getpages=1",
     "443", "ü"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=3), max_size=10).map("".join), st.sampled_from([NOWHERE, ROOT]))
def test_whatever_a_next_link_says_it_is_asked_below_the_base_or_not_at_all(link: str, client: FhirClient):
    """And nothing but `OutboundError` is raised."""
    try:
        asked = rebased(client.base, link, "Observation")
    except OutboundError:
        return
    head, _, _ = asked.partition("?")
    assert head == client.base or head.startswith(f"{client.base}/")
    assert not {"..", "."} & set(head.removeprefix("https://").split("/"))
    assert "\\" not in head
    assert "%" not in head


def test_a_call_that_is_led_astray_is_answered_without_leaving_the_listed_server():
    """The whole service, over real sockets: a redirecting server is a failed query, and the card says so."""
    body = request(prefetch={key: value for key, value in prefetch().items() if key != "labs"})
    with two_servers(ATTACKS["307"]) as (url, heard, robbed):
        settings = Settings(mode="test", fhir_servers=(FhirServer(base=url),))
        app = create_app(settings, predictor=FakePredictor(), clock=lambda: b.at(6))
        given: dict[str, Any] = {"fhirServer": url, "fhirAuthorization": {"access_token": TOKEN}}
        response = app.test_client().post("/cds-services/end-risk", json=body | given)
        assert [] == robbed
    assert heard.requests
    assert "Labs unknown: the FHIR server answered 307" in response.get_json()["cards"][0]["detail"]
    assert TOKEN not in response.get_data(as_text=True)


def test_the_token_of_one_call_is_never_that_of_another():
    """One service, call after call: each request of a call carries its own token, and that of an open call none."""
    fhir = FakeFhir(server())
    service = client(fhir)
    for token in ("secret-1", "secret-2", None, "secret-1", None):
        fhir.asked.clear()
        given = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "s", "subject": "x"}
        body = asked(hookInstance=str(uuid4()), **({"fhirAuthorization": given} if token else {}))
        assert 200 == service.post("/cds-services/end-risk", json=body).status_code
        assert {f"Bearer {token}" if token else None} == {one.headers.get("Authorization") for one in fhir.asked}
