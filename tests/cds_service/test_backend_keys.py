"""Our keys at token servers: read from files that say what they should, and told in their public half alone."""

import json
import re
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cds_service.app import create_app
from cds_service.backend.faults import backend_faults
from cds_service.backend.keys import UnusableKeyError, public_set, signing_key
from cds_service.settings import Backend, FhirServer, Settings, SettingsError, load_settings
from tests.cds_service.calls import client
from tests.fakes import BASE, FakePredictor
from tests.token_server import CLIENT, KEYS, backend, entry, key_file, private_jwk

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
"""The members of RFC 7518 that nobody else may know (6.2.2, 6.3.2, 6.4.1)."""


def fault(data: bytes, folder: Path, kid: str = "ec-1") -> str:
    """Why a file of these bytes is no key of ours."""
    path = folder / "key"
    path.write_bytes(data)
    with pytest.raises(UnusableKeyError) as caught:
        signing_key(backend(folder, kid, key_file=path))
    return str(caught.value)


def pem(key: Any, encryption: Any = None) -> bytes:
    """A private key as PEM."""
    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return data


@pytest.mark.parametrize("kid", KEYS)
def test_a_key_is_read_as_pem_and_as_jwk(tmp_path: Path, kid: str):
    """The same key either way; nothing of it is in its repr."""
    (tmp_path / "jwk").write_text(json.dumps(private_jwk(kid)), "utf-8")
    for path in (key_file(tmp_path, kid), tmp_path / "jwk"):
        key = signing_key(backend(tmp_path, kid, key_file=path))
        assert KEYS[kid][0].private_numbers() == key.private.private_numbers()
        assert f"SigningKey(kid='{kid}', algorithm='{KEYS[kid][1]}')" == repr(key)


def test_what_is_no_key_of_the_algorithm_is_told_without_its_text(tmp_path: Path):
    """Public keys, other curves, short keys, passphrases, other kids: each would fail at the first call."""
    p384 = KEYS["ec-1"][0]
    public = p384.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    assert "holds no private key" == fault(public, tmp_path)
    assert "holds no private key" == fault(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", tmp_path)
    assert "is locked by a passphrase" == fault(pem(p384, BestAvailableEncryption(b"secret")), tmp_path)
    for other in (ec.generate_private_key(ec.SECP256R1()), KEYS["rsa-1"][0], ed25519.Ed25519PrivateKey.generate()):
        assert "holds no private key for ES384" == fault(pem(other), tmp_path)
    for other in (short, p384):
        assert "holds no private key for RS384" == fault(pem(other), tmp_path, "rsa-1")
    assert "holds a key of another kid" == fault(json.dumps(private_jwk() | {"kid": "x"}).encode(), tmp_path)
    half = {name: value for name, value in private_jwk().items() if name != "d"}
    assert "holds no private key for ES384" == fault(json.dumps(half).encode(), tmp_path)
    for text in (b"", b"[]", b"{}", b'"a"', b"\xff", b'{"kty": 5}', b"[" * 100_000, b'{"kty": "oct", "k": "AAAA"}'):
        assert "holds neither a PEM nor a JWK key" == fault(text, tmp_path)


def test_no_private_member_leaves(tmp_path: Path):
    """What is published verifies what we sign, each key once, and a JWK's private numbers are not in it."""
    servers = (entry(tmp_path), entry(tmp_path, kid="rsa-1"), entry(tmp_path))
    answer = client(fhir_servers=servers).get("/.well-known/jwks.json")
    assert 200 == answer.status_code
    assert [("ec-1", "ES384", "sig"), ("rsa-1", "RS384", "sig")] == [
        (key["kid"], key["alg"], key["use"]) for key in answer.get_json()["keys"]
    ]
    text = answer.get_data(as_text=True)
    for key in answer.get_json()["keys"]:
        assert {"kid", "alg", "use", "kty"} | ({"n", "e"} if key["kty"] == "RSA" else {"crv", "x", "y"}) == set(key)
        private, algorithm = KEYS[key["kid"]]
        signed = jwt.encode({"a": 1}, private, algorithm=algorithm)
        assert {"a": 1} == jwt.decode(signed, jwt.PyJWK(key), algorithms=[algorithm])
        secret = private_jwk(key["kid"])
        assert not [name for name in PRIVATE & set(secret) if secret[name] in text]


def test_nothing_is_published_where_there_is_no_key():
    """The path is not there, as any other."""
    assert 404 == client().get("/.well-known/jwks.json").status_code
    assert {"keys": []} == public_set(())


def test_each_missing_part_of_an_entry_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One sentence names the field."""
    whole = json.loads(backend(tmp_path).model_dump_json(exclude={"token_url", "scopes", "scope_version"}))
    for name in whole:
        given = {"base": BASE, "auth": "backend", "backend": {key: whole[key] for key in whole if key != name}}
        monkeypatch.setenv("ENDWATCH_FHIR_SERVERS", json.dumps([given]))
        with pytest.raises(SettingsError, match=rf"ENDWATCH_FHIR_SERVERS\.0\.BACKEND\.{name.upper()}: "):
            load_settings()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"backend": None}, "needs backend, with client_id, key_file, kid and algorithm"),
        ({"auth": "call"}, 'has backend, so that its auth must be "backend"'),
        ({"backend": {"key_file": "none.pem"}}, "backend.key_file of .* cannot be read"),
        ({"backend": {"algorithm": "RS384"}}, "backend.key_file of .* holds no private key for RS384"),
        ({"backend": {"token_url": "http://ehr.example/token"}}, "backend.token_url of .* must be https in production"),
        ({"base": "http://ehr.example/fhir", "allow_http": True, "backend": {"token_url": None}}, "must be https"),
    ],
)
def test_an_entry_that_cannot_work_stops_the_start(tmp_path: Path, changed: dict[str, Any], said: str):
    """What a call would find out is told before."""
    given = backend(tmp_path, **(changed.get("backend") or {}))
    server = {"base": BASE, "auth": "backend", "backend": given} | {
        name: value for name, value in changed.items() if name != "backend" or value is None
    }
    faults = backend_faults(Settings(fhir_servers=(FhirServer(**server),)))
    assert 1 == len(faults)
    assert re.search(rf"^ENDWATCH_FHIR_SERVERS: .*{said}", faults[0])


def test_a_test_may_have_a_token_server_without_tls(tmp_path: Path):
    """As its FHIR servers may."""
    server = entry(tmp_path, token_url="http://ehr.example/token")
    assert [] == backend_faults(Settings(mode="test", fhir_servers=(server,)))


def test_one_kid_for_two_keys_stops_the_start(tmp_path: Path):
    """Whoever reads our set could not tell which is meant."""
    other = Backend(client_id=CLIENT, key_file=key_file(tmp_path, "rsa-1"), kid="ec-1", algorithm="RS384")
    servers = (entry(tmp_path), FhirServer(base="https://other.example", auth="backend", backend=other))
    with pytest.raises(SettingsError, match=r"backend\.kid ec-1 stands for two keys"):
        create_app(Settings(mode="test", fhir_servers=servers), predictor=FakePredictor())
