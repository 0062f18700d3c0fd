"""The check's own parts: URLs, quotes, keys, the FHIR server that records, and the register."""

import json
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from cds_service.check.asking import CONTEXTS, FIELDS
from cds_service.check.quoting import plain, quoted
from cds_service.check.recording import Place, recording
from cds_service.check.requirements import REQUIREMENTS
from cds_service.check.run import base_of
from cds_service.check.signing import signer_from, thumbprint
from tests.check.checked import free_port

ROWS = Path(__file__).parents[1] / "conformance/rows.toml"
AUDIENCE = "https://cds.example/cds-services"


@pytest.mark.parametrize("tail", ["", "/", "/cds-services", "/cds-services/", "//"])
def test_a_base_may_be_given_with_discovery_and_slashes(tail: str):
    """All mean the same."""
    assert "https://a.example/b/c" == base_of(f"https://a.example/b/c{tail}")


@given(st.text())
def test_a_quote_is_short_and_nothing_in_it_is_obeyed(text: str):
    """One line of printable characters."""
    assert 80 * 8 >= len(quoted(text))
    assert quoted(text).isprintable()
    assert plain(text).isprintable()


def test_the_rows_have_the_numbers_and_strengths_of_the_conformance_tests():
    """Prefetch templates may be there, and then shall have their form: row 14 binds here."""
    rows = {row["number"]: row for row in tomllib.loads(ROWS.read_text("utf-8"))["row"]}
    assert {14} == {number for number, one in REQUIREMENTS.items() if one.strength != rows[number]["strength"]}


def test_what_is_tried_from_outside_is_registered():
    """But for two that take knowledge of the service: when its data are of, and what was agreed with clients."""
    rows = tomllib.loads(ROWS.read_text("utf-8"))["row"]
    assert {99, 115} == {row["number"] for row in rows if row["kind"] == "black-box"} - set(REQUIREMENTS)


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(public_exponent=65537, key_size=2048)],
    ids=["ES384", "RS384"],
)  # fmt: skip
def test_a_key_file_signs_by_its_type_and_is_named_by_its_thumbprint(key: Any, tmp_path: Path):
    """From PEM and from JWK alike; a JWK's own kid, or the one given, goes before."""
    file = tmp_path / "key"
    kind: Any = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    from_pem = signer_from(file, "me", "https://ehr.example/keys")
    file.write_text(kind.to_jwk(key))
    from_jwk = signer_from(file, "me")
    file.write_text(json.dumps(json.loads(kind.to_jwk(key)) | {"kid": "own"}))
    assert [thumbprint(key)] * 2 + ["own", "given"] == [
        one.kid for one in (from_pem, from_jwk, signer_from(file, "me"), signer_from(file, "me", kid="given"))
    ]
    token = from_pem.token(AUDIENCE)
    claims = jwt.decode(token, key.public_key(), algorithms=["ES384", "RS384"], audience=AUDIENCE)
    header = jwt.get_unverified_header(token)
    assert {"iss", "aud", "exp", "iat", "jti"} == set(claims)
    assert {"alg": from_pem.algorithm, "typ": "JWT", "kid": from_pem.kid, "jku": "https://ehr.example/keys"} == header


def test_a_thumbprint_is_that_of_rfc_7638():
    """The example of its section 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb"
        "9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls"
        "1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )

    class Private:
        def public_key(self) -> Any:
            return jwt.algorithms.RSAAlgorithm.from_jwk({"kty": "RSA", "n": n, "e": "AQAB"})

    rsa.RSAPrivateKey.register(Private)
    assert "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" == thumbprint(Private())  # type: ignore[arg-type]  # its half


def test_the_recording_server_answers_in_pages_and_remembers_tokens():
    """Reads, searches of two pages, nothing of what it does not hold."""
    chart = [{"resourceType": "Patient", "id": "1"}, *({"resourceType": "Basic", "id": str(n)} for n in range(3))]
    with recording(chart) as fhir:
        first = fetched(f"{fhir.base}/Basic?code=x", "t")
        second = fetched(first["link"][0]["url"], "t")
        patient, nobody = fetched(f"{fhir.base}/Patient/1", None), fetched(f"{fhir.base}/Patient/2", None)
    assert (["0", "1"], ["2"]) == tuple([one["resource"]["id"] for one in page["entry"]] for page in (first, second))
    assert ("Patient", "OperationOutcome") == (patient["resourceType"], nobody["resourceType"])
    assert ["t", "t", None, None] == [one.token for one in fhir.asked]
    assert [False, True, False, False] == [one.is_further_page for one in fhir.asked]


@pytest.mark.parametrize("taken_away", ["", "/r4"])
def test_the_recording_server_answers_below_another_base(taken_away: str):
    """Its links name that base; a proxy may pass on the base's path, or take it away."""
    chart = [{"resourceType": "Basic", "id": str(n)} for n in range(2)]
    with recording(chart, Place("127.0.0.2", free_port(), "https://ehr.example/r4")) as fhir:
        assert "https://ehr.example/r4" == fhir.base
        found = fetched(f"http://127.0.0.2:{fhir.port}{taken_away}/Basic?code=x", None)
    assert "https://ehr.example/r4/Basic?code=x&_more=1" == found["link"][0]["url"]
    assert [("Basic", "code=x")] == [(one.path, one.query) for one in fhir.asked]


def test_the_recording_server_may_be_down_for_a_while():
    """A connection ends without an answer, and later ones are answered again."""
    with recording([{"resourceType": "Patient", "id": "1"}]) as fhir:
        with fhir.down(), pytest.raises(OSError, match="without response"):
            fetched(f"{fhir.base}/Patient/1", None)
        assert "Patient" == fetched(f"{fhir.base}/Patient/1", None)["resourceType"]


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
def test_the_recording_server_is_named_by_where_it_listens(host: str):
    """An address of IPv6 in brackets."""
    with recording([], Place(host)) as fhir:
        assert f"http://{'[::1]' if ':' in host else host}:" == fhir.base[: -len(f"{fhir.port}/fhir")]
        assert "CapabilityStatement" == fetched(f"{fhir.base}/metadata", None)["resourceType"]


def test_every_published_hook_has_its_fields():
    """The optional ones are listed for the same hooks as the required ones."""
    assert set(CONTEXTS) == set(FIELDS)
    assert {"userId", "patientId", "encounterId"} == FIELDS["patient-view"]


def fetched(url: str, token: str | None) -> Any:
    """The JSON at a URL, whatever its status."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)
