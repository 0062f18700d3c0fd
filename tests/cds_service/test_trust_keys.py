"""Issuers' keys: chosen by kid and algorithm, fetched from the listed URL alone, kept for a while."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import NotAuthenticated
from cds_service.hooks import trust as trust_module
from cds_service.hooks.trust import Trust
from cds_service.settings import FhirServer, Issuer, Settings
from tests.fakes import BASE, FakeFhir, session_with

ISS, JKU, URL = "https://ehr.example", f"{BASE}/jwks", "https://endwatch.example/cds-services/end-risk"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP384R1())
SHA384 = {"rsa": jwt.algorithms.RSAAlgorithm.SHA384, "ec": jwt.algorithms.ECAlgorithm.SHA384}
RSA_PUBLIC = json.loads(jwt.algorithms.RSAAlgorithm(SHA384["rsa"]).to_jwk(RSA_KEY.public_key())) | {"kid": "rsa"}
EC_PUBLIC = json.loads(jwt.algorithms.ECAlgorithm(SHA384["ec"]).to_jwk(EC_KEY.public_key())) | {"kid": "ec"}


def signed(key: Any, algorithm: str, kid: str, **headers: Any) -> str:
    """A valid Authorization header of the issuer."""
    now = int(time.time())
    claims = {"iss": ISS, "aud": URL, "exp": now + 300, "iat": now, "jti": "j1"}
    return f"Bearer {jwt.encode(claims, key, algorithm=algorithm, headers={'kid': kid, 'typ': 'JWT'} | headers)}"


def trust(fhir: FakeFhir) -> Trust:
    """Production's trust in one issuer whose keys are at ``JKU``."""
    issuers = (Issuer(iss=ISS, jku=(JKU,)),)
    settings = Settings(issuers=issuers, fhir_servers=(FhirServer(base=BASE),), simulated_risk="show")
    return Trust(settings, session_with(fhir))


def refused(trust: Trust, header: str) -> str:
    """The reason code for the log."""
    with pytest.raises(NotAuthenticated) as caught:
        trust.check(header, URL)
    return caught.value.message


def key_set(*keys: Any) -> dict[str, Any]:
    """A server of this JWK Set."""
    return {"jwks": (200, {"keys": list(keys)})}


def test_an_rsa_key_that_names_no_algorithm_verifies_rs384():
    """JWKs of RSA keys mostly carry no ``alg``; the token's own, if allowed, is taken."""
    assert ISS == trust(FakeFhir(key_set(RSA_PUBLIC))).check(signed(RSA_KEY, "RS384", "rsa"), URL)
    assert "algorithm-not-allowed" == refused(trust(FakeFhir(key_set(RSA_PUBLIC))), signed(RSA_KEY, "RS256", "rsa"))


def test_a_key_serves_the_algorithm_it_names_alone():
    """RFC 7517: ``alg`` is what the key is meant for."""
    other = trust(FakeFhir(key_set(RSA_PUBLIC | {"alg": "RS256"})))
    assert "algorithm-not-allowed" == refused(other, signed(RSA_KEY, "RS384", "rsa"))


def test_keys_are_fetched_once_and_again_for_a_new_kid_after_a_while(monkeypatch: pytest.MonkeyPatch):
    """Rotation is noticed within half a minute; callers cannot make us fetch at will."""
    keys: list[Any] = [EC_PUBLIC]
    fhir = FakeFhir({"jwks": lambda _: (200, {"keys": keys})})
    service = trust(fhir)
    for _ in range(3):
        service.check(signed(EC_KEY, "ES384", "ec"), URL)
    assert "kid-unknown" == refused(service, signed(RSA_KEY, "RS384", "rsa"))
    assert 1 == len(fhir.asked)
    keys.append(RSA_PUBLIC)
    monkeypatch.setattr(trust_module, "_KEYS_AGAIN_S", 0.0)
    assert ISS == service.check(signed(RSA_KEY, "RS384", "rsa"), URL)
    assert 2 == len(fhir.asked)


def test_an_unlisted_jku_is_refused_without_a_request():
    """Whoever may name the keys may be anybody."""
    fhir = FakeFhir(key_set(EC_PUBLIC))
    assert "jku-not-listed" == refused(trust(fhir), signed(EC_KEY, "ES384", "ec", jku="https://attacker.example/k"))
    assert [] == fhir.asked
    assert ISS == trust(fhir).check(signed(EC_KEY, "ES384", "ec", jku=JKU), URL)


@pytest.mark.parametrize("answer", [(500, {}), (200, []), (200, b"<html>")])
def test_keys_that_cannot_be_had_refuse(answer: Any):
    """No key, no trust."""
    assert "keys-not-available" == refused(trust(FakeFhir({"jwks": answer})), signed(EC_KEY, "ES384", "ec"))


@pytest.mark.parametrize(
    "key", [{"kid": "ec"}, {"kid": "ec", "kty": "EC", "crv": "P-384", "x": 5}, {"kid": "ec", "kty": "oct", "k": "YWJj"}]
)
def test_a_broken_or_symmetric_key_refuses(key: dict[str, Any]):
    """A key set is data from outside too."""
    assert "key-not-usable" == refused(trust(FakeFhir(key_set(key))), signed(EC_KEY, "ES384", "ec"))


def test_the_scheme_is_read_without_regard_to_case():
    """RFC 7235: ``bearer`` is ``Bearer``."""
    header = signed(EC_KEY, "ES384", "ec").replace("Bearer", "bearer")
    assert ISS == trust(FakeFhir(key_set(EC_PUBLIC))).check(header, URL)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku"]), st.none() | st.integers() | st.text(max_size=5)))
def test_no_header_of_a_token_raises_anything_else(header: dict[str, Any]):
    """Whatever stands in the protected header, the answer is a bare 401."""
    encoded = [jwt.utils.base64url_encode(json.dumps(part).encode()).decode() for part in (header, {"iss": ISS})]
    assert refused(trust(FakeFhir(key_set(EC_PUBLIC))), f"Bearer {'.'.join([*encoded, 'AAAA'])}")
