"""The audit log: a line a call whatever became of it, and nothing in it that should not leave the chart."""

import json
import logging
import os
import stat
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from cds_service.demo.replay import replay
from cds_service.errors import BadRequest, CdsError, MissingData, NotAuthenticated, TooLarge
from cds_service.record.account import Account, CallRecord, CameTo
from cds_service.record.audit import Audit, older_files, patient_hash
from cds_service.settings import Issuer
from tests import builders as b
from tests.cds_service.calls import INSTANCE, audit_lines, client, request
from tests.fakes import FakePredictor

URL = "/cds-services/end-risk"
KEY = "k" * 32
TOKEN, NAME = "secret-token-1", "Marker"
AT = datetime(2026, 11, 28, 23, 59, 59, 500_000, UTC)
CALL = CallRecord(
    AT, "r1", 200, 12.5, CameTo("risk", "risk", model="0", flagged=True), INSTANCE, "https://ehr.example", "p1"
)


class BrokenPredictor(FakePredictor):
    """A model that fails."""

    def predict(self, inputs: Any, until: float = 0.0) -> Any:  # noqa: ARG002 - as all models take it
        """Nothing but the failure, with a value in its message."""
        raise ArithmeticError(f"{NAME} {inputs.hours}")


def posted(body: Any, tmp_path: Path, **more: Any) -> dict[str, Any]:
    """The line of one call."""
    client(audit_log=tmp_path, **more).post(URL, json=body)
    (line,) = audit_lines(tmp_path)
    return line


def test_a_line_says_when_who_what_and_how_long(tmp_path: Path):
    """Every member by name; the day's file is the one of the UTC day."""
    Audit(tmp_path, KEY.encode()).write(CALL)
    assert ["audit-2026-11-28.jsonl"] == os.listdir(tmp_path)
    expected = {
        "time": "2026-11-28T23:59:59.500+00:00", "requestId": "r1", "hookInstance": INSTANCE,
        "issuer": "https://ehr.example", "patient": patient_hash(KEY.encode(), "p1"), "kind": "risk", "reason": "risk",
        "flagged": True, "model": "0", "milliseconds": 12.5, "status": 200,
    }  # fmt: skip
    assert [expected] == audit_lines(tmp_path)


def test_a_day_ends_at_midnight_utc_wherever_the_clock_stands(tmp_path: Path):
    """Workers in different zones write to one file."""
    east = timezone(timedelta(hours=9))
    for moment in (AT, AT + timedelta(seconds=1), (AT + timedelta(seconds=1)).astimezone(east)):
        Audit(tmp_path).write(replace(CALL, at=moment))
    assert [1, 2] == [len(file.read_bytes().splitlines()) for file in sorted(tmp_path.iterdir())]


def test_without_a_key_the_patient_is_not_in_the_log_and_with_one_only_as_a_hash(tmp_path: Path):
    """Another key gives another hash, so that a log tells nothing to who has not the key."""
    assert "patient" not in posted(request(), tmp_path / "a")
    one, other = (posted(request(), tmp_path / key[0], audit_key=key)["patient"] for key in (KEY, "x" * 32))
    assert (64, patient_hash(KEY.encode(), b.PATIENT_ID)) == (len(one), one)
    assert one != other


@pytest.mark.parametrize(
    ("body", "status", "kind", "reason"),
    [
        ({}, 400, "refused", "bad-request:hook"),
        (request(hook="order-select"), 400, "refused", "bad-request:hook"),
        (request(prefetch={}), 412, "refused", "missing-data:prefetch.patient"),
        (request(), 500, "failed", "arithmetic-error"),
    ],
)
def test_what_was_not_answered_has_a_line_with_its_reason_code(
    tmp_path: Path, body: Any, status: int, kind: str, reason: str
):
    """The status that the EHR saw, and which field or query was missing."""
    line = posted(body, tmp_path, predictor=BrokenPredictor())
    assert (status, kind, reason) == (line["status"], line["kind"], line["reason"])
    assert {"flagged", "model"}.isdisjoint(line)


@pytest.mark.parametrize(
    ("send", "status", "reason"),
    [
        ({"data": "{"}, 415, "unsupported-media-type"),
        ({"data": "{", "content_type": "application/json"}, 400, "bad-request"),
        ({"data": b"x" * 1_000_001, "content_type": "application/json"}, 413, "too-large"),
        ({"json": request(), "path": "/cds-services/other"}, 404, "unknown-service"),
        ({"json": request(), "path": "/wrong/cds-services/end-risk"}, 404, "unknown-service"),
        ({"json": request(), "method": "PUT"}, 405, "bad-request"),
    ],
)
def test_refusals_before_a_call_is_read_have_a_line_too(tmp_path: Path, send: dict[str, Any], status: int, reason: str):
    """They are what an EHR is being connected with."""
    service = client(audit_log=tmp_path, body_limit_mb=1)
    service.open(**{"path": URL, "method": "POST"} | send)
    assert [(status, "refused", reason)] == [
        (one["status"], one["kind"], one["reason"]) for one in audit_lines(tmp_path)
    ]


def test_discovery_preflight_and_health_are_no_calls(tmp_path: Path):
    """Monitors ask for them all day."""
    service = client(audit_log=tmp_path)
    for answer in (service.get("/cds-services"), service.options(URL), service.get("/health"), service.get("/ready")):
        assert 200 == answer.status_code
    assert [] == audit_lines(tmp_path)


def test_feedback_has_a_line_that_says_how_much_was_new(tmp_path: Path):
    """And nothing of what was said in it."""
    entry = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-03-02T10:05:31Z",
             "overrideReason": {"userComment": "Marker comment"}}  # fmt: skip
    client(audit_log=tmp_path).post(f"{URL}/feedback", json={"feedback": [entry]})
    assert [("feedback", "new-1", 200)] == [
        (one["kind"], one["reason"], one["status"]) for one in audit_lines(tmp_path)
    ]
    assert "Marker" not in str(audit_lines(tmp_path))


def test_neither_chart_nor_token_reaches_the_audit_or_any_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Names, ids, values, tokens, URLs: of an answered, a refused and a failed call."""
    caplog.set_level(logging.DEBUG)
    given = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "s",
    }
    body = request(fhirServer="https://ehr.example/fhir", fhirAuthorization=given)
    body["prefetch"]["patient"] |= {"name": [{"family": NAME}]}
    for number, (changed, predictor) in enumerate(
        [({}, FakePredictor()), ({"prefetch": {}}, FakePredictor()), ({}, BrokenPredictor())]
    ):
        folder = tmp_path / str(number)
        client(audit_log=folder, audit_key=KEY, predictor=predictor).post(URL, json=body | changed)
        written = "".join(file.read_text() for file in folder.iterdir()) + caplog.text
        for secret in (NAME, TOKEN, b.PATIENT_ID, "ehr.example"):
            assert secret not in written


def test_the_issuer_in_a_line_is_the_one_that_was_proved(tmp_path: Path):
    """A token that proves nothing names nobody."""
    key = ec.generate_private_key(ec.SECP384R1())
    public = json.loads(jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA384).to_jwk(key.public_key()))
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public | {"kid": "k1", "alg": "ES384"}]}))
    service = client(audit_log=tmp_path, issuers=(Issuer(iss="https://ehr.example", jwks_file=tmp_path / "keys.json"),))
    for number, signed_by in enumerate((key, ec.generate_private_key(ec.SECP384R1()))):
        now = int(time.time())
        claims = {"iss": "https://ehr.example", "aud": f"http://127.0.0.1:8000{URL}", "exp": now + 60, "iat": now}
        claims["jti"] = str(number)
        token = jwt.encode(claims, signed_by, algorithm="ES384", headers={"kid": "k1", "typ": "JWT"})
        service.post(URL, json=request(), headers={"Authorization": f"Bearer {token}"})
    proved, forged = audit_lines(tmp_path)
    assert ("https://ehr.example", 200) == (proved["issuer"], proved["status"])
    assert ("refused", "not-authenticated:signature-invalid", 401) == (
        forged["kind"], forged["reason"], forged["status"],
    )  # fmt: skip
    assert "issuer" not in forged


def test_unset_the_lines_go_to_the_logger(caplog: pytest.LogCaptureFixture):
    """For sites that collect logs by other means; also where only warnings are logged."""
    assert logging.WARNING == logging.getLogger().level
    client().post(URL, json=request())
    (line,) = [json.loads(one.message) for one in caplog.records if one.name == "endwatch.audit"]
    assert ("risk", 200, INSTANCE) == (line["kind"], line["status"], line["hookInstance"])


def test_a_disk_that_fails_costs_the_line_and_not_the_card(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """The folder is gone: the card is shown, and the log says that a line was lost."""
    service = client(audit_log=tmp_path / "log")
    (tmp_path / "log").rmdir()
    answer = service.post(URL, json=request())
    assert (200, 1) == (answer.status_code, len(answer.get_json()["cards"]))
    assert f"audit line lost: {answer.headers['X-Request-Id']} risk 200 (No such file or directory)" in caplog.text


def test_a_line_that_was_cut_short_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch):
    """A full disk takes part of a line."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
    Audit(tmp_path).write(CALL)
    assert "audit line lost: r1 risk 200 (cut short)" in caplog.text


def test_a_link_put_in_the_place_of_a_file_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Who may write to the folder must not choose another file for us to write to."""
    (tmp_path / "audit-2026-11-28.jsonl").symlink_to(tmp_path / "elsewhere")
    Audit(tmp_path).write(CALL)
    assert not (tmp_path / "elsewhere").exists()
    assert "audit line lost" in caplog.text


def test_a_replay_leaves_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is tried in a terminal is no call of an EHR."""
    monkeypatch.setenv("ENDWATCH_AUDIT_LOG", str(tmp_path))
    replay("demo-flagged", predictor=FakePredictor())
    assert [] == list(tmp_path.iterdir())


def test_others_may_not_read_the_log(tmp_path: Path):
    """It holds who was seen when."""
    Audit(tmp_path).write(CALL)
    assert 0 == stat.S_IMODE((tmp_path / "audit-2026-11-28.jsonl").stat().st_mode) & 0o027


@given(st.text(), st.text(), st.text(max_size=5))
def test_no_text_can_forge_a_line(tmp_path_factory: pytest.TempPathFactory, reason: str, issuer: str, patient: str):
    """Whatever stands in a field, one call is one line that reads back as it was."""
    folder = tmp_path_factory.mktemp("audit")
    hostile = replace(CALL, came_to=CameTo("risk", f"\n{reason}\r\u2028"), issuer=issuer, patient_id=patient)
    Audit(folder).write(hostile)
    raw = (folder / "audit-2026-11-28.jsonl").read_bytes()
    assert (1, b"\n") == (len(raw.decode().splitlines()), raw[-1:])
    assert (f"\n{reason}\r\u2028", issuer) == (json.loads(raw)["reason"], json.loads(raw)["issuer"])


@pytest.mark.parametrize(
    ("error", "status", "reason", "explained"),
    [
        (BadRequest("context.userId is required", field="context.userId"), 400, "bad-request:context.userId",
         "context.userId is required"),
        (BadRequest("x", field="Mrs. Marker\n"), 400, "bad-request", "x"),
        (NotAuthenticated("aud-mismatch: got https://a, expected b"), 401, "not-authenticated:aud-mismatch", ""),
        (NotAuthenticated("what a caller wrote"), 401, "not-authenticated", ""),
        (TooLarge("the body is over the limit"), 413, "too-large", "the body is over the limit"),
        (MissingData("\ud800", field="prefetch.nihss"), 412, "missing-data:prefetch.nihss", "?"),
        (KeyError("Mrs. Marker"), 500, "key-error", ""),
        (None, 503, "status-503", ""),
    ],
)  # fmt: skip
def test_a_reason_code_holds_no_free_text(error: CdsError | None, status: int, reason: str, explained: str):
    """Of an error that is not ours the type alone; a field only where it looks like one."""
    came_to = Account("r1", 0.0, error=error).closed(AT, status).came_to
    assert (reason, explained) == (came_to.reason, came_to.explained)
    assert ("failed" if status >= 500 else "refused") == came_to.kind


def test_only_files_of_the_log_are_old_files_of_the_log(tmp_path: Path):
    """A day counts once it is over; whatever else lies in the folder is not ours."""
    for name in ("audit-2026-11-27.jsonl", "audit-2026-11-28.jsonl", "audit-2026-1-2.jsonl", "audit-.jsonl",
                 "audit-2020-01-01.jsonl.gz", "notes-2020-01-01.jsonl", "audit-20200101.jsonl"):  # fmt: skip
        (tmp_path / name).touch()
    assert ["audit-2026-11-27.jsonl"] == [file.name for file in older_files(tmp_path, AT)]
