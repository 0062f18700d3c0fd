"""Access tokens of our own: asked for once, renewed in time, given up by the deadline, kept to themselves."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from cds_service.backend.grants import ASSERTION_S, UNSAID_S, assertion
from cds_service.backend.keys import signing_key
from cds_service.backend.scopes import asked_scopes
from cds_service.backend.tokens import APART_S, LEAST_S, RENEW_S, AccessTokens
from cds_service.fhir_client.access import NoTokenError
from cds_service.hooks.services import further_types, required_types
from tests.fakes import BASE, FakeFhir, session_with
from tests.token_server import CLIENT, DETAIL, KEYS, TOKEN_URL, TokenServer, backend, claims_of


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def tokens(server: TokenServer, folder: Path, clock: Callable[[], float] | None = None, **changed: Any) -> AccessTokens:
    """The tokens of the FHIR server behind this token server."""
    given = backend(folder, **changed)
    return AccessTokens(BASE, given, signing_key(given), session_with(server.fhir()), clock or Clock())


def had(source: AccessTokens, seconds: float = 5) -> str:
    """A token, waited for so long."""
    return source.token(time.monotonic() + seconds)


def why_not(source: AccessTokens, seconds: float = 5) -> str:
    """Why there is none."""
    with pytest.raises(NoTokenError) as caught:
        had(source, seconds)
    return caught.value.why


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("kid", KEYS)
def test_a_strict_server_grants_a_token_for_either_algorithm(tmp_path: Path, kid: str):
    """The assertion is as SMART says: issuer and subject are us, the audience is the URL called, for five minutes."""
    server = TokenServer()
    token = had(tokens(server, tmp_path, kid=kid))
    assert [token] == server.granted
    claims = claims_of(server.asked[0])
    assert (CLIENT, CLIENT, TOKEN_URL) == (claims["iss"], claims["sub"], claims["aud"])
    assert 0 < claims["exp"] - time.time() <= 300


def test_least_scopes_are_asked_for_in_the_spelling_of_the_setting(tmp_path: Path):
    """Reading of the types that a card is made of; a list of the site's own is asked for as it is."""
    types = sorted(required_types() | further_types())
    assert tuple(f"system/{type_}.rs" for type_ in types) == asked_scopes(backend(tmp_path))
    assert tuple(f"system/{type_}.read" for type_ in types) == asked_scopes(backend(tmp_path, scope_version=1))
    assert ("system/*.rs",) == asked_scopes(backend(tmp_path, scopes=("system/*.rs",)))


def test_calls_that_arrive_together_cause_one_request(tmp_path: Path):
    """They wait for it, and all have the token."""
    server = TokenServer()
    source = tokens(server, tmp_path)
    server.gate.clear()
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(had, source) for _ in range(16)]
        eventually(lambda: len(server.asked) == 1)
        server.gate.set()
        given = {call.result(10) for call in calls}
    assert set(server.granted) == given
    assert 1 == len(server.asked)


def test_a_token_serves_until_it_is_renewed_beside_the_calls(tmp_path: Path):
    """No call waits for the renewal, and each assertion has a ``jti`` of its own."""
    server, clock = TokenServer(), Clock()
    source = tokens(server, tmp_path, clock)
    first = had(source)
    clock.now += 300 - RENEW_S - 1
    assert first == had(source)
    assert 1 == len(server.asked)
    server.gate.clear()
    clock.now += 2
    for _ in range(20):
        assert first == had(source, 0.0)
    eventually(lambda: len(server.asked) == 2)
    server.gate.set()
    eventually(lambda: had(source) != first)
    assert 2 == len(server.seen)
    assert 2 == len(server.asked)


def test_a_token_is_not_used_at_its_end(tmp_path: Path):
    """While the server is down the held one serves on, but never so late that it could end on the way."""
    server, clock = TokenServer(), Clock()
    source = tokens(server, tmp_path, clock)
    first = had(source)
    server.told = (503, {})
    clock.now += 300 - LEAST_S - 0.1
    assert first == had(source)
    clock.now += 0.2
    assert "no access token could be had (token server answered 503)" == why_not(source)


@pytest.mark.parametrize("lives_s", [None, "soon", 0, -5, float("inf"), 10**400, [], {}, True])
def test_a_life_that_is_not_told_is_taken_as_short(tmp_path: Path, lives_s: Any):
    """``expires_in`` is data from outside; text of a number is one."""
    server, clock = TokenServer(lives_s="1e999" if lives_s == float("inf") else lives_s), Clock()
    source = tokens(server, tmp_path, clock)
    had(source)
    clock.now += UNSAID_S
    had(source)
    assert 2 == len(server.asked)


def test_a_life_told_as_text_counts(tmp_path: Path):
    """Some servers do so."""
    server, clock = TokenServer(lives_s="300"), Clock()
    source = tokens(server, tmp_path, clock)
    clock.now += 100
    assert had(source) == had(source)
    assert 1 == len(server.asked)


def test_a_call_waits_no_longer_than_its_deadline_and_the_next_has_the_token(tmp_path: Path):
    """A slow token server costs one call its chart, not each."""
    server = TokenServer()
    source = tokens(server, tmp_path)
    server.gate.clear()
    begun = time.monotonic()
    assert "no access token could be had (token server did not answer in time)" == why_not(source, 0.3)
    assert 2 > time.monotonic() - begun
    server.gate.set()
    late = had(source)
    assert [late] == server.granted


NO_TOKEN = "token server answered without a token"
BAD_REQUEST = {"error": "invalid_client", "error_description": DETAIL}
ANSWERS: dict[str, tuple[Any, str]] = {
    "refused": ((400, BAD_REQUEST), "token server answered 400 invalid_client"),
    "an unknown code": ((401, {"error": DETAIL}), "token server answered 401"),
    "a code that is none": ((400, {"error": ["invalid_client"]}), "token server answered 400"),
    "a page": ((500, f"<html>{DETAIL}</html>".encode()), "token server answered 500"),
    "a redirect": ((302, {}), "token server answered 302"),
    "created": ((201, {"access_token": DETAIL, "token_type": "bearer"}), "token server answered 201"),
    "no object": ((200, [DETAIL]), NO_TOKEN),
    "no JSON": ((200, DETAIL.encode()), NO_TOKEN),
    "deep JSON": ((200, b"[" * 100_000), NO_TOKEN),
    "a token of two lines": ((200, {"access_token": "a\r\nX: y", "token_type": "bearer"}), NO_TOKEN),
    "a token that is none": ((200, {"access_token": {"a": 1}, "token_type": "bearer"}), NO_TOKEN),
    "no token": ((200, {"access_token": "", "token_type": "bearer"}), NO_TOKEN),
    "another kind": ((200, {"access_token": DETAIL, "token_type": "DPoP"}), "token server answered no bearer token"),
    "no kind": ((200, {"access_token": DETAIL}), "token server answered no bearer token"),
    "nobody there": (requests.ConnectionError(DETAIL), "token server: not reachable"),
    "silence": (requests.Timeout(DETAIL), "token server: timed out"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_is_repeated_but_its_status_and_code(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture):
    """Reason codes only, on the card and in the log."""
    caplog.set_level(logging.DEBUG)
    told, said = ANSWERS[name]
    assert f"no access token could be had ({said})" == why_not(tokens(TokenServer(told=told), tmp_path))
    assert f"no access token for {BASE}: {said}" in caplog.text
    assert DETAIL not in caplog.text


def test_a_server_that_fails_is_not_asked_at_once_again(tmp_path: Path):
    """Calls fail with the same reason meanwhile, without waiting."""
    server, clock = TokenServer(told=(400, {"error": "invalid_scope"})), Clock()
    source = tokens(server, tmp_path, clock)
    said = {why_not(source) for _ in range(20)}
    assert {"no access token could be had (token server answered 400 invalid_scope)"} == said
    assert 1 == len(server.asked)
    server.told = None
    clock.now += APART_S
    later = had(source)
    assert [later] == server.granted


def test_a_fault_of_our_own_releases_those_who_wait(tmp_path: Path):
    """Whatever breaks, nobody waits for ever and the next try is made."""
    server, clock = TokenServer(told=ZeroDivisionError(DETAIL)), Clock()
    source = tokens(server, tmp_path, clock)
    assert "no access token could be had (ZeroDivisionError)" == why_not(source)
    server.told = None
    clock.now += APART_S
    later = had(source)
    assert [later] == server.granted


def test_a_token_that_the_fhir_server_refuses_is_replaced_once(tmp_path: Path):
    """Of many who are told so at once one asks; a server that refuses every token does not make us ask at will."""
    server, clock = TokenServer(), Clock()
    source = tokens(server, tmp_path, clock)
    first = had(source)
    assert not source.refused(first)  # it was had just now: a new one would be no better
    clock.now += APART_S
    assert [True] * 8 == [source.refused(first) for _ in range(8)]
    second = had(source)
    assert source.refused(first)  # by one who still had the old one
    assert second == had(source)
    assert not source.refused(second)
    assert 2 == len(server.asked)


def test_what_is_not_granted_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """By type, as for the scopes of a call; the token is used all the same."""
    caplog.set_level(logging.INFO)
    granted = " ".join(scope for scope in asked_scopes(backend(tmp_path)) if "Binary" not in scope)
    assert had(tokens(TokenServer(scope=granted), tmp_path))
    assert f"access token for {BASE} had: scope-lacks-Binary" in caplog.text
    caplog.clear()
    assert had(tokens(TokenServer(), tmp_path))
    assert "scope-lacks" not in caplog.text


def test_neither_token_nor_key_nor_assertion_is_in_any_repr_or_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """At the most talkative level."""
    caplog.set_level(logging.DEBUG)
    server = TokenServer()
    source = tokens(server, tmp_path)
    token = had(source)
    text = f"{source!r} {source.key!r} {source._held!r} {caplog.text}"
    (request,) = server.asked
    assert isinstance(request.body, bytes)
    assert token not in text
    assert request.body.decode().rpartition("client_assertion=")[2] not in text


def discovered(told: Any, status: int = 200) -> FakeFhir:
    """A FHIR server that tells this of its token server."""
    return FakeFhir(
        {".well-known/smart-configuration": (status, told), "token": TokenServer().answer}
    )  # fmt: skip


def found(fhir: FakeFhir, folder: Path) -> AccessTokens:
    """Tokens whose URL is not in the settings."""
    given = backend(folder, token_url=None)
    return AccessTokens(BASE, given, signing_key(given), session_with(fhir), Clock())


def test_the_token_url_is_asked_of_the_fhir_server_once(tmp_path: Path):
    """And kept while tokens are granted."""
    fhir = discovered({"token_endpoint": TOKEN_URL})
    source = found(fhir, tmp_path)
    had(source)
    source.clock.now += 300  # type: ignore[attr-defined]
    had(source)
    assert [".well-known/smart-configuration", "token", "token"] == fhir.paths


@pytest.mark.parametrize(
    "url",
    ["https://attacker.example/token", "http://ehr.example/token", "https://ehr.example:8443/token", "/token",
     "https://ehr.example@attacker.example/token", "https://ehr.example.attacker.example/", "//ehr.example/token",
     "https://ehr.example/token?x=1", "https://ehr.example\\@attacker.example/", "https://EHR.example\t/token"],
)  # fmt: skip
def test_a_token_url_on_another_host_gets_no_assertion(tmp_path: Path, url: str):
    """Only the settings name another host: else an answer would choose to whom we prove who we are."""
    fhir = discovered({"token_endpoint": url})
    said = "no access token could be had (smart-configuration: token_endpoint on another host)"
    assert said == why_not(found(fhir, tmp_path))
    assert [".well-known/smart-configuration"] == fhir.paths


@pytest.mark.parametrize(
    ("told", "status", "said"),
    [({}, 200, "no token_endpoint"), ([], 200, "no token_endpoint"), ({"token_endpoint": [TOKEN_URL]}, 200,
     "no token_endpoint"), (b"<html>", 200, "answer is not JSON"), ({}, 404, "answered 404")],
)  # fmt: skip
def test_a_server_that_tells_no_token_url_is_named_so(tmp_path: Path, told: Any, status: int, said: str):
    """The reason says where to look."""
    fhir = discovered(told, status)
    assert f"no access token could be had (smart-configuration: {said})" == why_not(found(fhir, tmp_path))


def test_a_token_url_that_moved_is_found_anew(tmp_path: Path):
    """After a failure it is asked for again."""
    answers: dict[str, Any] = {
        ".well-known/smart-configuration": (200, {"token_endpoint": f"{BASE}/old"}), "token": TokenServer().answer,
    }  # fmt: skip
    source = found(FakeFhir(answers), tmp_path)
    assert "no access token could be had (token server answered 404)" == why_not(source)
    answers[".well-known/smart-configuration"] = (200, {"token_endpoint": TOKEN_URL})
    source.clock.now += APART_S  # type: ignore[attr-defined]
    assert had(source)


def test_the_thread_that_asks_holds_up_no_exit(tmp_path: Path):
    """A token server that hangs while the service stops is left alone."""
    server = TokenServer()
    server.gate.clear()
    why_not(tokens(server, tmp_path), 0.05)
    asking = [thread for thread in threading.enumerate() if thread.name.endswith("(_answer)")]
    assert [True] == [thread.daemon for thread in asking]
    server.gate.set()
    asking[0].join(10)


def posted(signed: str) -> requests.PreparedRequest:
    """A request with this assertion, all else as it should be."""
    form = {
        "grant_type": "client_credentials", "scope": "system/*.rs", "client_assertion": signed,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }  # fmt: skip
    request = requests.Request("POST", TOKEN_URL, data=urlencode(form).encode())
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    return request.prepare()


def test_the_fake_server_refuses_what_it_should(tmp_path: Path):
    """A judge that takes everything proves nothing: each fault in a request is found."""
    server = TokenServer()
    source = tokens(server, tmp_path)
    had(source)
    (request,) = server.asked
    assert 400 == server.answer(request)[0]  # replayed
    for changed in ({"Authorization": "Basic x"}, {"Content-Type": "application/json"}):
        other = request.copy()
        other.headers.update(changed)
        assert (400, {"error": "invalid_request", "error_description": DETAIL}) == server.answer(other)
    other_key = signing_key(backend(tmp_path, "rsa-1"))
    for key, client, audience, at in (
        (source.key, "other", TOKEN_URL, time.time()),
        (source.key, CLIENT, f"{TOKEN_URL}/", time.time()),
        (source.key, CLIENT, TOKEN_URL, time.time() - ASSERTION_S - 1),
        (source.key, CLIENT, TOKEN_URL, time.time() + 600),
        (replace(other_key, kid="ec-1"), CLIENT, TOKEN_URL, time.time()),
        (replace(source.key, kid="other"), CLIENT, TOKEN_URL, time.time()),
    ):
        assert (400, BAD_REQUEST) == server.answer(posted(assertion(client, key, audience, at)))
    assert 1 == len(server.granted)
