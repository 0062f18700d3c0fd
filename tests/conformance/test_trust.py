"""Rows 17, 85-97 and 113: who calls, proved by a signed token, tried over HTTP with real keys."""

import json
import logging
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from flask.testing import FlaskClient

from cds_service.settings import Issuer
from tests.cds_service.calls import client, request
from tests.conformance.answered import URL, Json
from tests.conformance.signing import EC_KEY, ISS, JKU, OTHER_KEY, PUBLIC, RSA_KEY, Signer, public_jwk
from tests.fakes import FakeFhir

DISCOVERY, FEEDBACK = "/cds-services", f"{URL}/feedback"
ENTRY: Json = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z"}
BODIES: dict[str, Json] = {URL: request(), FEEDBACK: {"feedback": [ENTRY]}}
PATHS = pytest.mark.parametrize("path", [DISCOVERY, URL, FEEDBACK])


def answered(service: FlaskClient, path: str, headers: dict[str, str]) -> int:
    """The status of a call of one endpoint; a 401 says nothing more."""
    if path == DISCOVERY:
        response = service.get(path, headers=headers)
    else:
        response = service.post(path, json=BODIES[path], headers=headers)
    assert response.status_code != 401 or response.data == b""
    return response.status_code


@pytest.fixture
def service(signer: Signer) -> FlaskClient:
    """A production service that trusts one issuer, whose keys stand in a file."""
    return client(**signer.production())


@pytest.fixture
def keys() -> list[Json]:
    """The keys behind the issuer's listed URL; a test may change them."""
    return [public_jwk(EC_KEY, "ec")]


@pytest.fixture
def fetched(keys: list[Json]) -> FakeFhir:
    """The server of that URL."""
    return FakeFhir({"jwks": lambda _: (200, {"keys": keys})})


@pytest.fixture
def by_url(signer: Signer, fetched: FakeFhir) -> FlaskClient:
    """A production service that fetches the issuer's keys from its listed URL."""
    return client(fetched, **signer.production(issuers=(Issuer(iss=ISS, jku=(JKU,)),)))


@PATHS
@pytest.mark.row(17, 85, 86)
def test_each_endpoint_takes_a_token_for_its_own_url_and_refuses_a_call_without(
    service: FlaskClient, signer: Signer, path: str
):
    """Discovery and feedback too; none, an empty one, another scheme and garbage are a bare 401."""
    assert 200 == answered(service, path, signer.header(path))
    for header in ({}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x.y.z"},
                   {"Authorization": "Basic dXNlcjpwYXNz"}):  # fmt: skip
        assert 401 == answered(service, path, header)


@pytest.mark.row(85)
def test_a_demo_asks_for_no_token_and_shows_only_invented_patients():
    """The only mode that never asks listens on loopback and says so."""
    assert 200 == client(mode="demo").get(DISCOVERY).status_code
    assert "not for patient care" in client(mode="demo").get("/ready").get_json()["notes"][1]


@pytest.mark.row(87)
@pytest.mark.parametrize("headers", [{"typ": None}, {"typ": "at+jwt"}, {"kid": ""}])
def test_a_header_that_lacks_a_member_is_refused(service: FlaskClient, signer: Signer, headers: Json):
    """Typ JWT and kid."""
    assert 401 == answered(service, URL, signer.header(URL, headers=headers))


@pytest.mark.row(87)
@pytest.mark.parametrize("lacking", ["alg", "kid", "typ"])
def test_a_header_without_a_member_is_refused(service: FlaskClient, signer: Signer, lacking: str):
    """Each left out in turn, and the rest signed anew."""
    head = {name: value for name, value in {"alg": "ES384", "kid": "ec", "typ": "JWT"}.items() if name != lacking}
    _, claims, _ = signer.header(URL)["Authorization"].removeprefix("Bearer ").split(".")
    signed = f"{jwt.utils.base64url_encode(json.dumps(head).encode()).decode()}.{claims}"
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA384)
    signature = jwt.utils.base64url_encode(algorithm.sign(signed.encode(), EC_KEY)).decode()
    assert 401 == answered(service, URL, {"Authorization": f"Bearer {signed}.{signature}"})


@pytest.mark.row(88)
@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti"])
def test_a_token_without_a_required_claim_is_refused(service: FlaskClient, signer: Signer, claim: str):
    """Each of the five."""
    assert 401 == answered(service, URL, signer.header(URL, **{claim: None}))


@pytest.mark.row(88)
def test_further_claims_are_passed_over(service: FlaskClient, signer: Signer):
    """EHRs add nbf, sub and a tenant."""
    more = {"nbf": int(time.time()), "sub": "ehr", "tenant": "hospital-1", "https://x.example/claim": {"a": [1]}}
    assert 200 == answered(service, URL, signer.header(URL, **more))


@PATHS
@pytest.mark.row(89)
def test_aud_is_the_url_called_alone_or_in_a_list(service: FlaskClient, signer: Signer, path: str):
    """Whatever else the list holds."""
    url = f"{PUBLIC}{path}"
    assert [200, 200] == [
        answered(service, path, signer.header(path, aud=aud)) for aud in (url, ["https://x.example", url])
    ]


@PATHS
@pytest.mark.row(89)
def test_aud_of_another_url_is_refused(service: FlaskClient, signer: Signer, path: str):
    """Another endpoint's, another service's, another host's, and the base alone."""
    others = {f"{PUBLIC}{one}" for one in (DISCOVERY, URL, FEEDBACK, "/cds-services/other", "")} - {f"{PUBLIC}{path}"}
    for aud in (*sorted(others), f"https://other.example{path}", [], ["https://x.example"]):
        assert 401 == answered(service, path, signer.header(path, aud=aud)), aud


@pytest.mark.row(90)
def test_an_issuer_that_is_not_listed_is_refused_and_nothing_fetched(
    by_url: FlaskClient, fetched: FakeFhir, signer: Signer
):
    """Whatever key URL it names."""
    for headers in ({}, {"jku": "https://attacker.example/jwks"}, {"jku": JKU}):
        assert 401 == answered(by_url, URL, signer.header(URL, iss="https://other.example", headers=headers))
    assert [] == fetched.asked


@pytest.mark.row(90)
@pytest.mark.parametrize("jku", ["https://attacker.example/jwks", f"{JKU}/", f"{JKU}?x=1", "file:///etc/passwd"])
def test_a_key_url_that_is_not_listed_is_refused_and_not_fetched(
    by_url: FlaskClient, fetched: FakeFhir, signer: Signer, jku: str
):
    """Also of a listed issuer; its own is fetched."""
    assert 401 == answered(by_url, URL, signer.header(URL, headers={"jku": jku}))
    assert [] == fetched.asked
    assert 200 == answered(by_url, URL, signer.header(URL, headers={"jku": JKU}))
    assert {JKU} == {asked.url for asked in fetched.asked}


@pytest.mark.row(91)
def test_a_token_without_key_url_is_verified_with_the_configured_keys(
    service: FlaskClient, by_url: FlaskClient, signer: Signer
):
    """From a file, or from the URL listed for the issuer."""
    assert 200 == answered(service, URL, signer.header(URL))
    assert 200 == answered(by_url, URL, signer.header(URL))


@pytest.mark.row(92)
def test_the_key_is_the_issuer_s_own_of_that_kid(service: FlaskClient, signer: Signer):
    """Another key under a known kid, a known key under another kid, and a changed body are refused."""
    assert 401 == answered(service, URL, signer.header(URL, key=OTHER_KEY))
    assert 401 == answered(service, URL, signer.header(URL, kid="rsa"))
    assert 401 == answered(service, URL, signer.header(URL, kid="unknown"))
    head, _, signature = signer.header(URL)["Authorization"].split(".")
    _, other, _ = signer.header(URL, tenant="x")["Authorization"].split(".")
    assert 401 == answered(service, URL, {"Authorization": f"{head}.{other}.{signature}"})


@pytest.mark.row(93)
def test_an_unsigned_token_is_refused(service: FlaskClient, signer: Signer):
    """With no algorithm, however it is spelt, and with the signature cut off."""
    unsigned = signer.header(URL, key=None, algorithm="none")
    assert 401 == answered(service, URL, unsigned)
    _, claims, _ = unsigned["Authorization"].split(".")
    for name in ("None", "NONE", "nOnE"):
        head = jwt.utils.base64url_encode(json.dumps({"alg": name, "kid": "ec", "typ": "JWT"}).encode()).decode()
        assert 401 == answered(service, URL, {"Authorization": f"Bearer {head}.{claims}."})
    cut = signer.header(URL)["Authorization"].rpartition(".")[0]
    assert 401 == answered(service, URL, {"Authorization": f"{cut}."})


@pytest.mark.row(94)
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_is_refused(service: FlaskClient, signer: Signer, algorithm: str):
    """Any, and the public key in the place of one, in both of its forms."""
    whole = EC_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert 401 == answered(service, URL, signer.header(URL, key="s" * 64, algorithm=algorithm))
    for secret in (whole, json.dumps(public_jwk(EC_KEY, "ec")).encode()):
        token = signer.header(URL)["Authorization"].removeprefix("Bearer ")
        assert 401 == answered(service, URL, {"Authorization": f"Bearer {mac_signed(token, secret, algorithm)}"})


def mac_signed(token: str, secret: bytes, algorithm: str) -> str:
    """The claims of a token under a keyed hash; PyJWT itself refuses to make such a one."""
    import hashlib
    import hmac

    head = jwt.utils.base64url_encode(json.dumps({"alg": algorithm, "kid": "ec", "typ": "JWT"}).encode()).decode()
    signed = f"{head}.{token.split('.')[1]}"
    digest = getattr(hashlib, f"sha{algorithm.removeprefix('HS')}")
    return f"{signed}.{jwt.utils.base64url_encode(hmac.new(secret, signed.encode(), digest).digest()).decode()}"


@pytest.mark.row(95)
def test_both_recommended_algorithms_are_accepted(service: FlaskClient, signer: Signer):
    """ES384 and RS384; what is not on the site's list is refused, though its key is known."""
    assert 200 == answered(service, URL, signer.header(URL))
    assert 200 == answered(service, URL, signer.header(URL, key=RSA_KEY, algorithm="RS384", kid="rsa"))
    assert 401 == answered(service, URL, signer.header(URL, key=RSA_KEY, algorithm="RS256", kid="rsa"))


@pytest.mark.row(96)
@pytest.mark.parametrize("claims", [{"exp": 1}, {"iat": 4_000_000_000, "exp": 4_000_000_300}, {"nbf": 4_000_000_000}])
def test_a_token_that_is_over_or_not_yet_valid_is_refused(service: FlaskClient, signer: Signer, claims: Json):
    """By exp, iat and nbf."""
    assert 401 == answered(service, URL, signer.header(URL, **claims))


@PATHS
@pytest.mark.row(96)
def test_a_token_counts_once(service: FlaskClient, signer: Signer, path: str):
    """Its jti is remembered for as long as it could be used."""
    header = signer.header(path)
    assert [200, 401] == [answered(service, path, header) for _ in range(2)]


@pytest.mark.row(96)
def test_only_listed_tenants_count_where_any_are_listed(signer: Signer):
    """Without the list any does."""
    whole = signer.production()
    issuer = whole["issuers"][0].model_copy(update={"tenants": ("hospital-1",)})
    service = client(**(whole | {"issuers": (issuer,)}))
    assert 200 == answered(service, URL, signer.header(URL, tenant="hospital-1"))
    assert [401, 401] == [answered(service, URL, signer.header(URL, tenant=one)) for one in ("hospital-2", None)]


@pytest.mark.row(96)
def test_no_part_of_a_token_is_logged(service: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture):
    """Accepted or refused; the log has a reason of its own words."""
    headers = [signer.header(URL, sub="marker-subject"), signer.header(URL, exp=1, sub="marker-subject")]
    with caplog.at_level(logging.DEBUG):
        assert [200, 401] == [answered(service, URL, header) for header in headers]
    assert "expired" in caplog.text
    parts = [part for header in headers for part in header["Authorization"].removeprefix("Bearer ").split(".")]
    assert not [part for part in [*parts, "marker-subject"] if part in caplog.text]


@pytest.mark.row(113)
def test_a_new_key_is_found_and_callers_cannot_make_us_fetch_at_will(
    by_url: FlaskClient, fetched: FakeFhir, keys: list[Json], signer: Signer, monkeypatch: pytest.MonkeyPatch
):
    """An unknown kid is looked up anew, but not before half a minute has passed."""
    assert 200 == answered(by_url, URL, signer.header(URL))
    rotated: dict[str, Any] = {"key": OTHER_KEY, "kid": "new"}
    assert [401] * 3 == [answered(by_url, URL, signer.header(URL, **rotated)) for _ in range(3)]
    few = len(fetched.asked)
    keys.append(public_jwk(OTHER_KEY, "new"))
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 60)
    assert 200 == answered(by_url, URL, signer.header(URL, **rotated))
    assert few <= 2
