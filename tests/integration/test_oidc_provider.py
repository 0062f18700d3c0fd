"""Our client assertions before a judge that others wrote: oidc-provider, as a process of its own."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server

from cds_service.app import create_app
from cds_service.backend.grants import ASSERTION_S, assertion
from cds_service.backend.keys import SigningKey, signing_key
from cds_service.backend.scopes import asked_scopes
from cds_service.backend.tokens import AccessTokens
from cds_service.fhir_client.access import NoTokenError
from cds_service.outbound.session import new_session
from cds_service.settings import FhirServer, Settings
from tests.fakes import BASE, FakePredictor
from tests.integration.obligatory import absent
from tests.integration.oidc.running import SOURCES, NoProvider, Running, token_server
from tests.servers_told import tell
from tests.token_server import KEYS, backend

SMART = ("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_credentials")
OF_URL = "by-url"
"""The client whose keys the server reads from the address that we publish them under."""


def client(name: str, kid: str, keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The metadata of a client that signs with one key."""
    registered = {
        "client_id": name, "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": [],
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": KEYS[kid][1],
    }  # fmt: skip
    return registered | keys | more


@contextmanager
def publishing(folder: Path) -> Iterator[str]:
    """The URL of the key set of a running service that has both of our keys."""
    servers = tuple(
        FhirServer(base=f"{BASE}/{kid}", auth="backend", backend=backend(folder, kid)) for kid in KEYS
    )  # fmt: skip
    app = create_app(Settings(mode="test", fhir_servers=servers), predictor=FakePredictor())
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Running]:
    """The running server: a client for each algorithm, one known by URL, one that may read little."""
    folder = tmp_path_factory.mktemp("keys")
    keys = [signing_key(backend(folder, kid)).public_jwk() for kid in KEYS]
    both = {"jwks": {"keys": keys}}
    whole = " ".join(asked_scopes(backend(folder)))
    with publishing(folder) as url:
        clients = [
            *(client(kid, kid, both, scope=whole) for kid in KEYS),
            client(OF_URL, "ec-1", {"jwks_uri": url}, scope=whole),
            client("narrow", "ec-1", both, scope="system/Patient.rs"),
        ]
        try:
            with token_server(clients) as running:
                tell(pytestconfig, f"token server: oidc-provider {running.version}")
                yield running
        except NoProvider as why:
            absent(str(why))


def tokens(judge: Running, folder: Path, client_id: str, kid: str = "ec-1", **changed: Any) -> AccessTokens:
    """Tokens of this client, over real connections."""
    given = backend(folder, kid, **({"client_id": client_id, "token_url": judge.token_url} | changed))
    return AccessTokens(f"{judge.issuer}/fhir", given, signing_key(given), new_session())


def had(source: AccessTokens) -> str:
    """A token, and the connections closed."""
    with source.session:
        return source.token(time.monotonic() + 10)


@pytest.mark.parametrize("kid", KEYS)
def test_our_assertion_is_accepted(judge: Running, tmp_path: Path, kid: str, caplog: pytest.LogCaptureFixture):
    """ES384 and RS384, for every scope that was asked for."""
    caplog.set_level(logging.INFO)
    assert had(tokens(judge, tmp_path, kid, kid))
    assert "scopes suffice" in caplog.text


def test_its_token_url_is_found(judge: Running, tmp_path: Path):
    """From ``smart-configuration`` below the FHIR base, on the same host and port."""
    source = tokens(judge, tmp_path, "ec-1", token_url=None)
    assert had(source)
    assert judge.token_url == source._url


def test_it_reads_our_published_keys(judge: Running, tmp_path: Path):
    """A client registered by URL: the server fetches the set that the service publishes."""
    assert had(tokens(judge, tmp_path, OF_URL))


def posted(judge: Running, signed: str) -> int:
    """The status for an assertion, all else as we send it."""
    form = {
        "grant_type": SMART[1], "client_assertion_type": SMART[0], "client_assertion": signed,
        "scope": "system/Patient.rs",
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with requests.post(judge.token_url, urlencode(form), headers=headers, timeout=10) as answer:
        return answer.status_code


def test_an_assertion_counts_once(judge: Running, tmp_path: Path):
    """The second time it is a replay; a new one of the same client is none."""
    key = signing_key(backend(tmp_path))
    signed = assertion("ec-1", key, judge.token_url, time.time())
    assert [200, 401] == [posted(judge, signed) for _ in range(2)]
    assert "only be used once" in judge.refusal()
    assert 200 == posted(judge, assertion("ec-1", key, judge.token_url, time.time()))


STRANGER = ec.generate_private_key(ec.SECP384R1())
OTHERWISE: dict[str, tuple[dict[str, Any], str]] = {
    "another server's": ({"audience": f"{BASE}/token"}, "audience (aud) must equal"),
    "expired": ({"now": -ASSERTION_S - 1}, "jwt expired"),
    "for too long": ({"now": 300}, "not as SMART says"),
    "another client's name": ({"client_id": "nobody"}, "client not found"),
    "a stranger's key": ({"private": STRANGER}, "signature verification failed"),
    "an unknown kid": ({"kid": "other", "private": STRANGER}, "no applicable key found"),
    "an algorithm that was not registered": (
        {"kid": "rsa-1", "algorithm": "RS384", "private": KEYS["rsa-1"][0]}, "alg mismatch",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERWISE)
def test_an_assertion_that_is_otherwise_is_refused(judge: Running, tmp_path: Path, name: str):
    """Each is changed in one thing, and the judge names that thing."""
    changed, said = OTHERWISE[name]
    own = signing_key(backend(tmp_path))
    parts = {"client_id": "ec-1", "audience": judge.token_url, "now": 0.0}
    key = replace(own, **{part: value for part, value in changed.items() if part not in parts})
    given = {part: changed.get(part, value) for part, value in parts.items()}
    signed = assertion(given["client_id"], key, given["audience"], time.time() + given["now"])
    assert 401 == posted(judge, signed)
    assert said in judge.refusal()


@pytest.mark.parametrize("algorithm", ["none", "HS384"])
def test_an_unsigned_assertion_is_refused(judge: Running, algorithm: str):
    """No key, or a word for a key: nobody proves anything by that."""
    claims = {
        "iss": "ec-1", "sub": "ec-1", "aud": judge.token_url, "exp": int(time.time()) + 60, "jti": algorithm,
    }  # fmt: skip
    secret = "x" * 48 if algorithm == "HS384" else None
    signed = jwt.encode(claims, secret, algorithm=algorithm, headers={"kid": "ec-1", "typ": "JWT"})
    assert 401 == posted(judge, signed)
    assert "alg mismatch" in judge.refusal()


def why_not(source: AccessTokens) -> str:
    """Why there is no token."""
    with pytest.raises(NoTokenError) as caught:
        had(source)
    return caught.value.reason


def test_its_refusals_are_told_by_their_codes(judge: Running, tmp_path: Path):
    """What the service would say on a card: a key that is not registered, and scopes that are not allowed."""
    source = tokens(judge, tmp_path, "ec-1")
    source.key = SigningKey("ec-1", "ES384", STRANGER)
    assert "token server answered 401 invalid_client" == why_not(source)
    assert "signature verification failed" in judge.refusal()
    assert "token server answered 400 invalid_scope" == why_not(tokens(judge, tmp_path, "narrow"))
    assert judge.refusal().startswith("invalid_scope")
    assert had(tokens(judge, tmp_path, "narrow", scopes=("system/Patient.rs",)))


def test_the_lock_names_no_registry():
    """Versions and hashes only: a machine's own registry serves."""
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    held = {name: package for name, package in packages.items() if name}
    assert "node_modules/oidc-provider" in held
    assert [] == [name for name, package in held.items() if "resolved" in package or "integrity" not in package]
