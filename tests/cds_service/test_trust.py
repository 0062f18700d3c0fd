"""Tokens of EHRs: verified in production and, where listed, in test mode; refused with a bare 401."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.settings import FhirServer, Issuer
from tests.cds_service.calls import client, request
from tests.fakes import BASE

ISS, URL = "https://ehr.example", "http://127.0.0.1:8000/cds-services/end-risk"
KEY = ec.generate_private_key(ec.SECP384R1())


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A JWK Set file with our key."""
    public = json.loads(jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA384).to_jwk(KEY.public_key()))
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public | {"kid": "k1", "alg": "ES384", "use": "sig"}]}))
    return path


def token(*, key: Any = KEY, algorithm: str = "ES384", headers: dict | None = None, **claims: Any) -> dict[str, str]:
    """An Authorization header with a token; a claim given as None is left out."""
    now = int(time.time())
    body = {"iss": ISS, "aud": URL, "exp": now + 300, "iat": now, "jti": "j1"} | claims
    given = {name: value for name, value in body.items() if value is not None}
    text = jwt.encode(given, key, algorithm=algorithm, headers={"kid": "k1", "typ": "JWT"} | (headers or {}))
    return {"Authorization": f"Bearer {text}"}


def status(keys: Path, headers: dict[str, str], mode: str = "production", path: str = "/cds-services/end-risk") -> int:
    """The status of a call with these headers."""
    settings = {"mode": mode, "issuers": (Issuer(iss=ISS, jwks_file=keys),), "simulated_risk": "show",
                "fhir_servers": (FhirServer(base=BASE),), "database_url": "sqlite://"}  # fmt: skip
    response = client(**settings).post(path, json=request(), headers=headers)
    assert response.status_code != 401 or response.data == b""
    return response.status_code


def test_a_valid_token_is_accepted(keys: Path):
    """Signed by a listed issuer for this URL; an ``aud`` list is fine too."""
    assert 200 == status(keys, token())
    assert 200 == status(keys, token(aud=["x", URL]))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "http://other"}, {"exp": 1}, {"iss": "https://other"}, {"jti": None}, {"iat": None}, {"exp": None},
        {"aud": None}, {"headers": {"kid": "k2"}}, {"headers": {"jku": "https://attacker.example/jwks"}},
        {"key": ec.generate_private_key(ec.SECP384R1())}, {"key": "x" * 64, "algorithm": "HS384"},
        {"key": None, "algorithm": "none"},
    ],
)  # fmt: skip
def test_every_fault_of_a_token_is_a_bare_401(keys: Path, claims: dict):
    """Nothing more is said, on purpose."""
    assert 401 == status(keys, token(**claims))


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic abc"}])
def test_production_needs_a_token(keys: Path, header: dict[str, str]):
    """None, garbage or another scheme: 401."""
    assert 401 == status(keys, header)


def test_test_mode_verifies_listed_issuers_and_lets_others_pass(keys: Path):
    """The CDS Hooks Sandbox signs every call with its own issuer."""
    assert 200 == status(keys, {}, "test")
    assert 200 == status(keys, token(iss="https://sandbox.cds-hooks.org"), "test")
    assert 401 == status(keys, token(aud="http://other"), "test")


def test_a_feedback_token_is_for_the_feedback_url(keys: Path):
    """The audience is the exact URL called."""
    assert 401 == status(keys, token(), path="/cds-services/end-risk/feedback")
