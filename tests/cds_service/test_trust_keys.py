"""Issuers' keys: chosen by kid and algorithm, fetched from listed URLs alone, kept for a while, renewed."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cds_service.errors import NotAuthenticated
from cds_service.hooks.key_sources import AFTER_FAILURE_S, AGAIN_S, FRESH_S, STALE_S
from cds_service.hooks.replays import Replays
from cds_service.hooks.trust import Called, Trust
from cds_service.record.store import IN_MEMORY, open_store
from cds_service.settings import FhirServer, Issuer, Settings
from tests.conformance.signing import EC_KEY, ISS, JKU, OTHER_KEY, RSA_KEY, public_jwk
from tests.fakes import BASE, FakeFhir, session_with

URL = "https://endwatch.example/cds-services/end-risk"
CALL = Called("/cds-services/end-risk", (URL,))
EC_PUBLIC, RSA_PUBLIC = public_jwk(EC_KEY, "ec"), public_jwk(RSA_KEY, "rsa")


def signed(key: Any, algorithm: str, kid: str, **headers: Any) -> str:
    """A valid Authorization header of the issuer, with a token of its own."""
    now = int(time.time())
    claims = {"iss": ISS, "aud": URL, "exp": now + 300, "iat": now, "jti": str(uuid4())}
    return f"Bearer {jwt.encode(claims, key, algorithm=algorithm, headers={'kid': kid, 'typ': 'JWT'} | headers)}"


def ours(**headers: Any) -> str:
    """A call that the key ``ec`` signed."""
    return signed(EC_KEY, "ES384", "ec", **headers)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class KeyServer:
    """An issuer's key server: what it answers may change; a gate may hold its answers back."""

    keys: list[Any] = field(default_factory=lambda: [EC_PUBLIC])
    status: int = 200
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()
        self.fhir = FakeFhir({"jwks": self.answer, "jwks-2": self.answer})

    def answer(self, _: Any) -> tuple[int, Any]:
        """The set as it is now."""
        assert self.open.wait(10)
        return self.status, {"keys": list(self.keys)}

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return len(self.fhir.asked)


def trust(fhir: FakeFhir, clock: Callable[[], float] | None = None, **issuer: Any) -> Trust:
    """Production's trust in one issuer whose keys are at ``JKU``."""
    issuers = (Issuer(**({"iss": ISS, "jku": (JKU,)} | issuer)),)
    settings = Settings(issuers=issuers, fhir_servers=(FhirServer(base=BASE),), simulated_risk="show")
    return Trust(settings, session_with(fhir), Replays(open_store(IN_MEMORY)), clock or Clock())


def refused(trust: Trust, header: str) -> str:
    """The reason code for the log."""
    with pytest.raises(NotAuthenticated) as caught:
        trust.check(header, CALL)
    return caught.value.message


def key_set(*keys: Any) -> FakeFhir:
    """A server of this JWK Set."""
    return FakeFhir({"jwks": (200, {"keys": list(keys)})})


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_an_rsa_key_that_names_no_algorithm_verifies_rs384():
    """JWKs of RSA keys mostly carry no ``alg``; the token's own, if allowed, is taken."""
    assert ISS == trust(key_set(RSA_PUBLIC)).check(signed(RSA_KEY, "RS384", "rsa"), CALL)
    assert "algorithm-not-allowed" == refused(trust(key_set(RSA_PUBLIC)), signed(RSA_KEY, "RS256", "rsa"))


@pytest.mark.parametrize(
    "said",
    [{"alg": "RS256"}, {"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"kty": "EC"}, {"kty": "oct"},
     {"d": "AQAB"}],
)  # fmt: skip
def test_a_key_serves_only_what_it_is_meant_for(said: dict[str, Any]):
    """RFC 7517, 4: its kind, ``alg``, ``use``, ``key_ops``; and a private key that is published proves nothing."""
    fitting = RSA_PUBLIC | {"alg": "RS384", "use": "sig", "key_ops": ["verify"]}
    assert ISS == trust(key_set(fitting)).check(signed(RSA_KEY, "RS384", "rsa"), CALL)
    assert "key-does-not-fit" == refused(trust(key_set(fitting | said)), signed(RSA_KEY, "RS384", "rsa"))


@pytest.mark.parametrize("key", [{}, {"crv": "P-384", "x": 5}, {"crv": "P-384", "x": "AA", "y": "AA"}])
def test_a_broken_key_refuses(key: dict[str, Any]):
    """A key set is data from outside too."""
    assert "key-not-usable" == refused(trust(key_set({"kid": "ec", "kty": "EC"} | key)), ours())


def test_a_short_rsa_key_and_a_key_on_another_curve_refuse():
    """2048 bits at least (NIST SP 800-131A); ES384 is P-384 and nothing else (RFC 7518, 3.4)."""
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        header = signed(short, "RS384", "rsa")
    assert "key-not-usable" == refused(trust(key_set(public_jwk(short, "rsa"))), header)
    curve = public_jwk(ec.generate_private_key(ec.SECP256R1()), "ec")
    assert "key-not-usable" == refused(trust(key_set(curve)), ours())


def test_two_keys_under_one_kid_refuse_unless_only_one_fits():
    """Which of two is meant cannot be known; one of another kind, or the same once more, is no second one."""
    assert "kid-ambiguous" == refused(trust(key_set(EC_PUBLIC, public_jwk(OTHER_KEY, "ec"))), ours())
    for other in (RSA_PUBLIC | {"kid": "ec"}, EC_PUBLIC):
        assert ISS == trust(key_set(other, EC_PUBLIC)).check(ours(), CALL)


def test_keys_are_fetched_once_and_again_for_a_new_kid_after_half_a_minute():
    """Rotation is noticed; callers cannot make us fetch at will, however many unknown kids they send."""
    server, clock = KeyServer(), Clock()
    service = trust(server.fhir, clock)
    for _ in range(3):
        service.check(ours(), CALL)
    rotated = {"key": OTHER_KEY, "algorithm": "ES384"}
    server.keys = [public_jwk(OTHER_KEY, "new")]
    for number in range(20):
        clock.now += (AGAIN_S - 0.1) / 20
        assert "kid-unknown" == refused(service, signed(**rotated, kid=f"new-{number}"))
        service.check(ours(), CALL)
    assert 1 == server.asked
    clock.now += 1
    assert ISS == service.check(signed(**rotated, kid="new"), CALL)
    assert 2 == server.asked
    assert "kid-unknown" == refused(service, ours())  # it was withdrawn


def test_stale_keys_serve_while_one_thread_renews_them():
    """No call waits, and any number of calls cause one request."""
    server, clock = KeyServer(), Clock()
    service = trust(server.fhir, clock)
    service.check(ours(), CALL)
    server.open.clear()
    clock.now += FRESH_S + 1
    for _ in range(20):
        assert ISS == service.check(ours(), CALL)  # the server does not answer meanwhile
    eventually(lambda: server.asked == 2)
    server.keys = [public_jwk(OTHER_KEY, "new")]
    server.open.set()
    eventually(lambda: not service_knows(service, "ec"))
    assert ISS == service.check(signed(OTHER_KEY, "ES384", "new"), CALL)
    assert 2 == server.asked


def service_knows(service: Trust, kid: str) -> bool:
    """True while the set that the service holds has this kid."""
    return kid in {key["kid"] for key in service._sources[JKU].current(inf)}


def test_keys_of_a_server_that_fails_serve_for_an_hour_and_no_longer():
    """A fetch that fails changes nothing; it is tried again twice a minute at most, and at last nothing is believed."""
    server, clock = KeyServer(), Clock()
    service = trust(server.fhir, clock)
    service.check(ours(), CALL)
    server.status = 404
    while clock.now < 1000 + STALE_S - AGAIN_S:
        clock.now += AGAIN_S / 2
        assert ISS == service.check(ours(), CALL)
        fetched = server.asked
        eventually(lambda: not service._sources[JKU]._one_at_a_time.locked())
    assert fetched <= 1 + STALE_S / AGAIN_S
    clock.now = 1000 + STALE_S + AGAIN_S
    assert "keys-not-available" == refused(service, ours())
    server.status = 200
    clock.now += AFTER_FAILURE_S
    assert ISS == service.check(ours(), CALL)


def test_a_fetch_that_fails_is_not_tried_again_at_once():
    """Whoever knows the issuer's name could else send a request of ours for each of theirs."""
    server, clock = KeyServer(status=404), Clock()
    service = trust(server.fhir, clock)
    assert {"keys-not-available"} == {refused(service, ours()) for _ in range(20)}
    assert 1 == server.asked
    server.status = 200
    clock.now += AFTER_FAILURE_S
    assert ISS == service.check(ours(), CALL)


def test_calls_that_arrive_together_cause_one_fetch():
    """They wait for it, and all are answered."""
    server = KeyServer()
    service = trust(server.fhir)
    server.open.clear()
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(service.check, ours(), CALL) for _ in range(8)]
        eventually(lambda: server.asked == 1)
        server.open.set()
        assert [ISS] * 8 == [call.result(10) for call in calls]
    assert 1 == server.asked


def test_a_call_with_a_known_kid_does_not_wait_for_an_unknown_one():
    """An unknown kid is looked up by its own call."""
    server, clock = KeyServer(), Clock()
    service = trust(server.fhir, clock)
    service.check(ours(), CALL)
    clock.now += AGAIN_S
    server.open.clear()
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(refused, service, signed(OTHER_KEY, "ES384", "unknown"))
        eventually(lambda: server.asked == 2)
        assert ISS == service.check(ours(), CALL)
        assert not unknown.done()
        server.open.set()
        assert "kid-unknown" == unknown.result(10)


def test_an_unlisted_jku_is_refused_without_a_request():
    """Whoever may name the keys may be anybody."""
    fhir = key_set(EC_PUBLIC)
    for jku in ("https://attacker.example/k", f"{JKU}#", f"{JKU}/../jwks", [JKU], {"a": 1}, 7, ""):
        assert "jku-not-listed" == refused(trust(fhir), ours(jku=jku))
    assert [] == fhir.asked
    assert ISS == trust(fhir).check(ours(jku=JKU), CALL)


def test_of_several_listed_urls_the_one_that_the_token_names_is_asked():
    """The first where it names none."""
    server, second = KeyServer(), f"{BASE}/jwks-2"
    service = trust(server.fhir, jku=(JKU, second))
    service.check(ours(jku=second), CALL)
    service.check(ours(), CALL)
    assert [second, JKU] == [asked.url for asked in server.fhir.asked]


def test_in_production_keys_are_not_fetched_over_plain_http():
    """Whoever is on the way could give keys of their own."""
    plain = JKU.replace("https:", "http:")
    server = KeyServer()
    assert "keys-not-available" == refused(trust(server.fhir, jku=(plain,)), ours(jku=plain))
    assert 0 == server.asked


@pytest.mark.parametrize(
    "answer", [(404, {}), (500, {}), (200, []), (200, {"keys": {}}), (200, b"<html>"), (200, b"[" * 100_000)]
)
def test_keys_that_cannot_be_had_refuse(answer: Any):
    """No key, no trust."""
    assert "keys-not-available" == refused(trust(FakeFhir({"jwks": answer})), ours())


def test_a_file_is_read_again_when_it_has_changed_and_only_then(tmp_path: Path):
    """Keys may be changed without a restart; a file that is gone or broken refuses."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [EC_PUBLIC]}))
    service = trust(FakeFhir({}), jwks_file=path, jku=())
    held = service._sources[path].current(inf)
    assert ISS == service.check(ours(), CALL)
    assert held is service._sources[path].current(inf)
    (tmp_path / "new").write_text(json.dumps({"keys": [public_jwk(OTHER_KEY, "new")]}))
    (tmp_path / "new").replace(path)
    assert ISS == service.check(signed(OTHER_KEY, "ES384", "new"), CALL)
    assert "kid-unknown" == refused(service, ours())
    for broken in ("", "[" * 100_000, "[]", '{"keys": 1}'):
        path.write_text(broken)
        assert "keys-not-available" == refused(service, ours())
    path.unlink()
    assert "keys-not-available" == refused(service, ours())


def test_the_file_wins_over_a_url(tmp_path: Path):
    """Out-of-band keys are what the site itself was given; no request is made then."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [EC_PUBLIC]}))
    server = KeyServer()
    assert ISS == trust(server.fhir, jwks_file=path).check(ours(jku=JKU), CALL)
    assert 0 == server.asked
