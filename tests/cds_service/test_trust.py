"""Tokens of EHRs: verified in production and, where listed, in test mode; refused with a bare 401."""

import logging
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cds_service.errors import NotAuthenticated
from cds_service.hooks.replays import Replays, SeenToken
from cds_service.hooks.tokens import LEEWAY_S
from cds_service.hooks.trust import Called, Trust
from cds_service.record.store import IN_MEMORY, open_store
from cds_service.settings import SANDBOX, Issuer, Settings
from tests.cds_service.calls import audit_lines, client, request
from tests.conformance.signing import EC_KEY, ISS, JKU, OTHER_KEY, PUBLIC, RSA_KEY, Signer, public_jwk
from tests.fakes import FakeFhir, session_with

URL = "/cds-services/end-risk"
HOUR = 3600

REFUSED: dict[str, dict[str, Any]] = {
    "aud-mismatch": {"aud": "https://other.example"},
    "expired": {"exp": 1},
    "not-yet-valid": {"nbf": 4_000_000_000},
    "lives-too-long": {"exp": int(time.time()) + 2 * HOUR},
    "issuer-not-listed": {"iss": "https://other.example"},
    "claim-missing": {"iat": None},
    "claim-malformed": {"jti": ""},
    "kid-unknown": {"kid": "k2"},
    "key-does-not-fit": {"kid": "rsa"},
    "kid-malformed": {"kid": "ec\r\nforged line"},
    "jku-not-listed": {"headers": {"jku": "https://attacker.example/jwks"}},
    "header-incomplete": {"headers": {"typ": "at+jwt"}},
    "not-a-token": {"headers": {"crit": ["urn:x"], "urn:x": 1}},
    "signature-invalid": {"key": OTHER_KEY},
    "algorithm-not-allowed": {"key": "x" * 64, "algorithm": "HS384"},
    "token-too-long": {"note": "x" * 100_000},
}
"""One token for each reason code, but for those of a key set or a store that fails."""


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """An EHR that signs, with its keys in a file."""
    return Signer(tmp_path)


@pytest.fixture
def service(signer: Signer) -> FlaskClient:
    """A production service that trusts this EHR alone."""
    return client(**signer.production())


def status(service: FlaskClient, headers: dict[str, str], path: str = URL, body: Any = None) -> int:
    """The status of a call; a 401 says nothing more."""
    response = service.post(path, json=body or request(), headers=headers)
    assert response.status_code != 401 or response.data == b""
    return response.status_code


def trusting(issuer: Issuer, **settings: Any) -> Trust:
    """Production's trust in one issuer, whose keys are at ``JKU``."""
    fhir = FakeFhir({"jwks": (200, {"keys": [public_jwk(EC_KEY, "ec")]})})
    given = Settings(issuers=(issuer,), simulated_risk="show", **settings)
    return Trust(given, session_with(fhir), Replays(open_store(IN_MEMORY)))


def called(body: bytes = b"") -> Called:
    """A call of the service."""
    return Called(URL, (f"{PUBLIC}{URL}",), lambda: body)


def test_a_valid_token_is_accepted(service: FlaskClient, signer: Signer):
    """Signed by a listed issuer for this URL; an ``aud`` list is fine too."""
    assert 200 == status(service, signer.header(URL))
    assert 200 == status(service, signer.header(URL, aud=["x", f"{PUBLIC}{URL}"]))
    assert 200 == status(service, signer.header(URL, key=RSA_KEY, algorithm="RS384", kid="rsa"))


@pytest.mark.parametrize("code", REFUSED)
def test_every_fault_of_a_token_is_a_bare_401_with_one_line_in_the_log(
    service: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture, code: str
):
    """The line has the reason code and the request id that the caller got; it is one line whatever the token holds."""
    with caplog.at_level(logging.INFO):
        response = service.post(URL, json=request(), headers=signer.header(URL, **REFUSED[code]))
    assert (401, b"") == (response.status_code, response.data)
    lines = [record.getMessage() for record in caplog.records if record.name == "cds_service.app"]
    assert 1 == len(lines)
    assert re.fullmatch(rf"401 {code}(: .*)? {response.headers['X-Request-Id']}", lines[0])


def test_no_log_line_ever_holds_a_token_or_a_part_of_one(
    signer: Signer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Over an accepted token and all refusals, at the most talkative level, and in the audit."""
    service = client(**signer.production(audit_log=tmp_path / "audit"))
    headers = [signer.header(URL), *(signer.header(URL, **claims) for claims in REFUSED.values())]
    with caplog.at_level(logging.DEBUG):
        statuses = [status(service, header) for header in (*headers, headers[0])]
    assert [200, *[401] * (len(REFUSED) + 1)] == statuses
    logged = f"{caplog.text}{[vars(record) for record in caplog.records]}{audit_lines(tmp_path / 'audit')}"
    parts = [part for header in headers for part in header["Authorization"].removeprefix("Bearer ").split(".")]
    assert "replayed" in logged
    assert [] == [part for part in parts if part and part in logged]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic abc"}])
def test_production_needs_a_token(service: FlaskClient, header: dict[str, str]):
    """None, garbage or another scheme: 401."""
    assert 401 == status(service, header)


def test_test_mode_verifies_listed_issuers_and_lets_others_pass(signer: Signer):
    """The CDS Hooks Sandbox signs every call with its own issuer."""
    service = client(**signer.production(mode="test"))
    assert 200 == status(service, {})
    assert 200 == status(service, signer.header(URL, iss=SANDBOX))
    assert 401 == status(service, signer.header(URL, aud="http://other"))
    again = signer.header(URL)
    assert [200, 401] == [status(service, again) for _ in range(2)]


def test_a_feedback_token_is_for_the_feedback_url(service: FlaskClient, signer: Signer):
    """The audience is the exact URL called."""
    assert 401 == status(service, signer.header(URL), path=f"{URL}/feedback")


def test_an_aud_that_differs_is_told_with_what_was_expected_and_cannot_forge_a_line(
    service: FlaskClient, signer: Signer, caplog: pytest.LogCaptureFixture
):
    """Claims are a caller's text: bounded, in ASCII, without control characters."""
    aud = [
        "https://old.example/hook",
        "x\r\n2026-01-01 WARNING forged\x1b[2J\u202e\u2028" + "y" * 2000,
        *["z" * 100] * 40,
    ]
    assert 401 == status(service, signer.header(URL, aud=aud))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "cds_service.app"]
    assert line.startswith("401 aud-mismatch: got 'https://old.example/hook' or 'x\\r\\n2026-01-01")
    assert f"expected '{PUBLIC}{URL}'" in line
    assert line.isascii()
    assert line.isprintable()
    assert 1000 > len(line)


@pytest.mark.parametrize("aud", [{"a": 1}, 7, [["https://old.example"]]])
def test_an_aud_of_another_kind_is_told_by_its_kind(service: FlaskClient, signer: Signer, aud: Any, caplog: Any):
    """Its content is not."""
    assert 401 == status(service, signer.header(URL, aud=aud))
    assert f"aud-mismatch: got {type(aud).__name__}, expected" in caplog.text
    assert "old.example" not in caplog.text


def test_an_issuer_may_have_audiences_of_its_own(signer: Signer):
    """Some EHRs let a site choose the ``aud``; it is accepted besides the URL, and from that issuer alone."""
    trust = trusting(Issuer(iss=ISS, jku=(JKU,), audiences=("endwatch",)))
    for aud in ("endwatch", f"{PUBLIC}{URL}"):
        assert ISS == trust.check(signer.header(URL, aud=aud)["Authorization"], called())
    with pytest.raises(NotAuthenticated, match="aud-mismatch"):
        trusting(Issuer(iss=ISS, jku=(JKU,))).check(signer.header(URL, aud="endwatch")["Authorization"], called())


@pytest.mark.parametrize(
    ("tenant", "code"),
    [("ward", None), ("other", "tenant-not-listed"), (None, "tenant-not-listed"), (["ward"], "tenant-not-listed")],
)
def test_where_tenants_are_listed_a_token_has_to_name_one(signer: Signer, tenant: Any, code: str | None):
    """One EHR may serve several organizations under one name; where none are listed any counts."""
    header = signer.header(URL, tenant=tenant)
    assert code == code_of(trusting(Issuer(iss=ISS, jku=(JKU,), tenants=("ward",))), header)
    assert code_of(trusting(Issuer(iss=ISS, jku=(JKU,))), header) is None


@pytest.mark.parametrize(
    "issuer",
    [Issuer(iss=SANDBOX, jku=(JKU,)), Issuer(iss=f"{SANDBOX}/", jku=(JKU,)),
     Issuer(iss=ISS, jku=(JKU, f"{SANDBOX}/.well-known/jwks.json"))],
)  # fmt: skip
def test_the_sandbox_is_refused_in_production_even_if_listed(signer: Signer, issuer: Issuer):
    """Its signing key is public: a token of it is anybody's, under whatever name its keys are listed."""
    header = signer.header(URL, iss=issuer.iss)["Authorization"]
    with pytest.raises(NotAuthenticated, match="issuer-proves-nothing"):
        trusting(issuer).check(header, called())
    assert issuer.iss == trusting(issuer, mode="test").check(header, called())


def code_of(trust: Trust, header: dict[str, str]) -> str | None:
    """The reason why a call is refused; None where it is accepted."""
    try:
        trust.check(header["Authorization"], called())
    except NotAuthenticated as error:
        return error.message
    return None


@pytest.mark.parametrize(("minutes", "seconds", "late"), [(60, 0, False), (60, 1, True), (5, 0, False), (5, 1, True)])
def test_a_token_lives_no_longer_than_the_setting(signer: Signer, minutes: int, seconds: int, late: bool):
    """From ``iat`` to ``exp``: a stolen token is of use, and has to be remembered, for so long."""
    trust, now = trusting(Issuer(iss=ISS, jku=(JKU,)), token_minutes=minutes), int(time.time())
    header = signer.header(URL, iat=now, exp=now + minutes * 60 + seconds)
    assert ("lives-too-long" if late else None) == code_of(trust, header)


@pytest.mark.parametrize(
    ("claim", "seconds", "code"),
    [("exp", -25, None), ("exp", -31, "expired"), ("nbf", 25, None), ("nbf", 40, "not-yet-valid"), ("iat", 25, None),
     ("iat", 40, "not-yet-valid")],
)  # fmt: skip
def test_clocks_may_differ_by_half_a_minute(signer: Signer, claim: str, seconds: int, code: str | None):
    """Either way; these are seconds from now."""
    header = signer.header(URL, **{claim: time.time() + seconds})
    assert code == code_of(trusting(Issuer(iss=ISS, jku=(JKU,))), header)


def test_nothing_is_read_of_a_caller_who_proves_nothing(service: FlaskClient, signer: Signer):
    """The body is first looked at when signature and claims hold: too large is 413 then, and 401 before."""
    large = b"{" + b" " * 20_000_001

    def unread() -> bytes:
        raise AssertionError("the body was read")

    trust = trusting(Issuer(iss=ISS, jku=(JKU,)))
    for claims in REFUSED.values():
        with pytest.raises(NotAuthenticated):
            trust.check(signer.header(URL, **claims)["Authorization"], Called(URL, (f"{PUBLIC}{URL}",), unread))
    sent = {"data": large, "content_type": "application/json"}
    assert 401 == service.post(URL, headers=signer.header(URL, exp=1), **sent).status_code
    assert 413 == service.post(URL, headers=signer.header(URL), **sent).status_code


def test_a_token_counts_once_for_discovery_service_and_feedback(service: FlaskClient, signer: Signer):
    """Whichever comes first; the audience list may name several endpoints."""
    header = signer.header(URL, aud=[f"{PUBLIC}{path}" for path in (URL, "/cds-services", f"{URL}/feedback")])
    assert 200 == service.get("/cds-services", headers=header).status_code
    assert 401 == service.get("/cds-services", headers=header).status_code
    assert [401, 401] == [status(service, header, path) for path in (URL, f"{URL}/feedback")]


def test_where_repeats_are_allowed_the_same_body_counts_again_and_no_other(signer: Signer):
    """Some EHRs send a call again after a timeout with the token that it had; another endpoint is another use."""
    issuer = Issuer(iss=ISS, jwks_file=signer.folder / "jwks.json", repeats="same-body")
    service = client(**signer.production(issuers=(issuer,)))
    header = signer.header(URL, aud=[f"{PUBLIC}{URL}", f"{PUBLIC}{URL}/feedback"])
    assert [200, 200] == [status(service, header) for _ in range(2)]
    assert 401 == status(service, header, body=request(prefetch={}))
    assert 401 == status(service, header, path=f"{URL}/feedback")
    assert 200 == status(service, header)


def test_a_token_is_remembered_for_as_long_as_it_is_accepted(signer: Signer):
    """Clocks may differ: it is accepted for half a minute after its end, and its row ends no earlier."""
    trust, end = trusting(Issuer(iss=ISS, jku=(JKU,))), int(time.time()) + 300
    assert code_of(trust, signer.header(URL, exp=end)) is None
    with trust.replays.engine.connect() as connection:
        (kept_until,) = connection.scalars(select(SeenToken.expires_at))
    assert LEEWAY_S == kept_until.timestamp() - end


def test_a_replay_store_that_fails_lets_nobody_in(signer: Signer, caplog: pytest.LogCaptureFixture):
    """Whether a token was seen is then not known: that is no reason to believe it."""
    settings = signer.production()
    service = client(**settings)
    assert 200 == status(service, signer.header(URL))
    engine = open_store(settings["database_url"])
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE seen_tokens")
    engine.dispose()
    assert 401 == status(service, signer.header(URL))
    assert "replays-not-known: OperationalError" in caplog.text
