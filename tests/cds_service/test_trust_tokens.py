"""Hostile tokens: confused algorithms, keys of their own, odd JSON. Each is a refusal and nothing else."""

import hashlib
import hmac
import json
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.errors import NotAuthenticated
from cds_service.hooks.tokens import unproved
from tests.cds_service.test_trust_keys import (
    CALL,
    EC_PUBLIC,
    RSA_PUBLIC,
    URL,
    KeyServer,
    key_set,
    ours,
    refused,
    signed,
    trust,
)
from tests.conformance.signing import EC_KEY, ISS, JKU, OTHER_KEY, RSA_KEY, public_jwk

PEM = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DER = RSA_KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def encoded(part: bytes) -> str:
    """Base64url without padding."""
    return jwt.utils.base64url_encode(part).decode()


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a valid token."""
    now = int(time.time())
    return {"iss": ISS, "aud": URL, "exp": now + 300, "iat": now, "jti": str(uuid4())} | changed


def raw(header: bytes, payload: bytes) -> str:
    """A token of these very bytes, truly signed by the issuer's key."""
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA384)
    signed = f"{encoded(header)}.{encoded(payload)}"
    return f"Bearer {signed}.{encoded(algorithm.sign(signed.encode(), EC_KEY))}"


HEADER = json.dumps({"alg": "ES384", "kid": "ec", "typ": "JWT"}).encode()


def test_a_token_of_bytes_made_by_hand_is_accepted():
    """So that the refusals below have their cause in what is changed."""
    assert ISS == trust(key_set(EC_PUBLIC)).check(raw(HEADER, json.dumps(claims()).encode()), CALL)


@pytest.mark.parametrize("secret", [PEM, DER, PEM.strip(), json.dumps(RSA_PUBLIC).encode(), b""])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_public_key_is_no_secret(secret: bytes, digest: str):
    """RS/HS confusion: the issuer's public key, which everybody has, as the secret of a keyed hash."""
    header = json.dumps({"alg": f"HS{digest[3:]}", "kid": "rsa", "typ": "JWT"}).encode()
    text = f"{encoded(header)}.{encoded(json.dumps(claims()).encode())}"
    mac = encoded(hmac.new(secret, text.encode(), digest).digest())
    assert "algorithm-not-allowed" == refused(trust(key_set(RSA_PUBLIC)), f"Bearer {text}.{mac}")
    assert hashlib.new(digest).digest_size == len(jwt.utils.base64url_decode(mac))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", None, ["ES384"], {"a": 1}, 384, "es384", "ES384 "])
def test_an_algorithm_is_one_of_the_list_to_the_letter(name: Any):
    """With and without a signature."""
    header = json.dumps({"alg": name, "kid": "ec", "typ": "JWT"}).encode()
    whole = raw(header, json.dumps(claims()).encode())
    for text in (whole, f"{whole.rpartition('.')[0]}."):
        assert "algorithm-not-allowed" == refused(trust(key_set(EC_PUBLIC)), text)


def test_a_key_that_a_token_brings_or_points_to_is_passed_over():
    """``jwk``, ``x5c`` and ``x5u`` prove nothing, and nothing is fetched from them; from the issuer they do no harm."""
    server = KeyServer()
    more = {"jwk": public_jwk(OTHER_KEY, "ec"), "x5u": "https://attacker.example/c", "x5c": ["AA=="], "x5t": "AA"}
    assert "signature-invalid" == refused(trust(server.fhir), signed(OTHER_KEY, "ES384", "ec", **more))
    assert ISS == trust(server.fhir).check(ours(**more), CALL)
    assert {JKU} == {asked.url for asked in server.fhir.asked}


@pytest.mark.parametrize("crit", [["exp"], ["urn:x"], [], "exp", None, ["b64"], [1], {"exp": 1}])
def test_what_has_to_be_understood_and_is_not_is_refused(crit: Any):
    """RFC 7515, 4.1.11; also a payload that is not encoded (RFC 7797)."""
    header = json.dumps({"alg": "ES384", "kid": "ec", "typ": "JWT", "crit": crit, "exp": 1, "urn:x": 1}).encode()
    assert "not-a-token" == refused(trust(key_set(EC_PUBLIC)), raw(header, json.dumps(claims()).encode()))
    detached = json.dumps({"alg": "ES384", "kid": "ec", "typ": "JWT", "crit": ["b64"], "b64": False}).encode()
    assert "not-a-token" == refused(trust(key_set(EC_PUBLIC)), raw(detached, json.dumps(claims()).encode()))


@pytest.mark.parametrize("kid", ["ec\n", "\x00", "ec\x1b[2J", "\u202eec", "ec\u2028", "e" * 257, "\ud800"])
def test_a_kid_that_could_disturb_a_log_is_refused(kid: str):
    """Before it is compared with anything, and even if a set has it."""
    server = key_set(public_jwk(EC_KEY, kid))
    header = json.dumps({"alg": "ES384", "kid": kid, "typ": "JWT"}).encode()
    assert "kid-malformed" == refused(trust(server), raw(header, json.dumps(claims()).encode()))
    assert [] == server.asked


@pytest.mark.parametrize("kid", [5, ["ec"], {"ec": 1}, True])
def test_a_kid_is_a_text(kid: Any):
    """Nothing else."""
    header = json.dumps({"alg": "ES384", "kid": kid, "typ": "JWT"}).encode()
    assert "not-a-token" == refused(trust(key_set(EC_PUBLIC)), raw(header, json.dumps(claims()).encode()))


DEEP = b"[" * 5000 + b"]" * 5000


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (HEADER, DEEP), (DEEP, b"{}"), (HEADER, b'{"iss": ' + DEEP + b"}"), (b'{"alg": ' + DEEP + b"}", b"{}"),
        (HEADER, b"7"), (b"[]", b"{}"), (HEADER, b"\xff\xfe"), (b"", b""), (HEADER, b'{"exp": ' + b"9" * 5000 + b"}"),
    ],
)  # fmt: skip
def test_nested_and_broken_json_is_no_token(header: bytes, payload: bytes):
    """Signed or not; what is deeper or longer than any parser takes is refused by it."""
    assert "not-a-token" == refused(trust(key_set(EC_PUBLIC)), raw(header, payload))


def test_a_long_token_is_not_decoded():
    """The bound comes first: what would be no token, decoded, is said to be too long."""
    service = trust(key_set(EC_PUBLIC))
    for text in ("a" * 100_000, "." * 100_000, f"{'a' * 99_998}.a.", ours(note="x" * 100_000).removeprefix("Bearer ")):
        assert "token-too-long" == refused(service, f"Bearer {text}")


@pytest.mark.parametrize(
    "text",
    ["", " ", "a", "a.b", "..", "...", "a.b.c.d", "é.é.é", "\ud800.a.b", "=.=.=", "a, Bearer b", "\x00.\x00.\x00"],
)
def test_what_is_no_token_is_refused(text: str):
    """Whatever characters it has."""
    assert refused(trust(key_set(EC_PUBLIC)), f"Bearer {text}") in ("not-a-token", "no-token")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": "4000000000"}, "claim-malformed"), ({"exp": [1]}, "claim-malformed"),
        ({"exp": float("inf")}, "claim-malformed"), ({"iat": float("nan")}, "claim-malformed"),
        ({"iat": "0"}, "claim-malformed"), ({"nbf": "0"}, "claim-malformed"), ({"nbf": True}, "claim-malformed"),
        ({"nbf": None}, "claim-malformed"), ({"sub": 7}, "claim-malformed"),
        ({"exp": 10**400}, "lives-too-long"), ({"exp": 1e300}, "lives-too-long"),
        ({"iat": -(10**400)}, "lives-too-long"), ({"exp": 10**400, "iat": 0.5}, "lives-too-long"),
        ({"jti": ""}, "claim-malformed"), ({"jti": 7}, "claim-malformed"), ({"jti": ["a"]}, "claim-malformed"),
        ({"jti": None}, "claim-missing"), ({"iss": [ISS]}, "issuer-not-listed"),
        ({"iss": {ISS: 1}}, "issuer-not-listed"), ({"iss": f"{ISS}/"}, "issuer-not-listed"),
        ({"iss": ISS.upper()}, "issuer-not-listed"),
        ({"aud": ""}, "claim-missing"), ({"aud": f"{URL}/"}, "aud-mismatch"), ({"aud": f"{URL} "}, "aud-mismatch"),
        ({"aud": [URL, 7]}, "aud-mismatch"), ({"aud": {URL: 1}}, "aud-mismatch"),
    ],
)  # fmt: skip
def test_claims_of_another_kind_are_refused(changed: dict[str, Any], code: str):
    """Though they are signed: times are numbers, ``jti`` is a text, ``iss`` and ``aud`` are right to the letter."""
    token = raw(HEADER, json.dumps(claims(**changed)).encode())
    assert code == refused(trust(key_set(EC_PUBLIC)), token).partition(":")[0]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ODD_HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "jku", "crit", "b64", "jwk", "x5u"]), VALUES, min_size=1
)
ODD_CLAIMS = st.dictionaries(st.sampled_from(["aud", "exp", "iat", "nbf", "jti", "sub", "tenant"]), VALUES, min_size=1)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ODD_HEADERS, ODD_CLAIMS)
def test_no_token_raises_anything_but_a_refusal(header: dict[str, Any], changed: dict[str, Any]):
    """Signed by the issuer itself, with whatever header and claims: an accepted call or a reason code."""
    service, whole = trust(key_set(EC_PUBLIC)), json.loads(HEADER)
    for head, body in ((whole | header, claims()), (whole, claims(**changed)), (whole | header, claims(**changed))):
        with suppress(NotAuthenticated):
            assert ISS == service.check(raw(json.dumps(head).encode(), json.dumps(body).encode()), CALL)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_a_token_never_shows_in_what_is_kept_of_it(text: str):
    """A dump of the parts shows header and claims, not the credential."""
    token = ours(note=text).removeprefix("Bearer ")
    assert token not in repr(unproved(token))
