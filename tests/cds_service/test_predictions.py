"""The prediction store: off by default, encrypted, found by keyed hash alone, read back as it was."""

import base64
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

import cds_service.app as application
from cds_service.app import create_app
from cds_service.cli import main
from cds_service.record.predictions import (
    PredictionKeyError,
    Predictions,
    StoredPrediction,
    demand_keys,
    keys_from,
    read_predictions,
)  # fmt: skip
from cds_service.record.store import Base, PredictionRow, open_store
from cds_service.settings import FhirServer, Settings, SettingsError, load_settings
from tests import builders as b
from tests.cds_service.calls import INSTANCE, client, prefetch, request
from tests.fakes import BASE, FakePredictor

URL = "/cds-services/end-risk"
KEY, OTHER = (base64.urlsafe_b64encode(bytes([number] * 32)).decode() for number in (1, 2))
(ONE,) = keys_from(KEY)
STORED = StoredPrediction(
    "i1", BASE, "p1", "e1", b.at(6), "not-computed", "no-baseline", "no baseline", None, None, "f" * 64
)  # fmt: skip


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The store that the next applications open."""
    engine = open_store("sqlite://")
    monkeypatch.setattr(application, "store_of", lambda _: engine)
    yield engine
    engine.dispose()


def rows(engine: Engine) -> list[PredictionRow]:
    """What is stored."""
    with Session(engine, expire_on_commit=False) as session:
        return list(session.scalars(select(PredictionRow)))


def test_nothing_is_kept_unless_a_key_is_given(store: Engine):
    """Off by default."""
    assert 200 == client().post(URL, json=request()).status_code
    assert [] == rows(store)


def test_a_call_is_read_back_as_it_was_shown(store: Engine):
    """Inputs with their sentences, risk with its reasons, artifact, patient, encounter, server, moment."""
    body = request(
        fhirServer=BASE, context={"userId": "Practitioner/1", "patientId": b.PATIENT_ID, "encounterId": "e1"}
    )
    assert 200 == client(prediction_key=KEY).post(URL, json=body).status_code
    (read,) = read_predictions(store, (ONE,), BASE, b.PATIENT_ID)
    assert (INSTANCE, BASE, b.PATIENT_ID, "e1", b.at(6), "risk", "0" * 64) == (
        read.hook_instance, read.server, read.patient_id, read.encounter_id, read.as_of, read.kind, read.artifact,
    )  # fmt: skip
    assert read.inputs is not None
    assert read.prediction is not None
    assert ["No hemorrhage.", "ASPECTS 8."] == [one.text for one in read.inputs.sentences]
    assert (read.inputs.findings, 0.46, True) == (
        read.prediction.findings,
        read.prediction.risk,
        read.prediction.flagged,
    )
    assert "NIHSS at arrival" == read.prediction.contributions[0].label


def test_a_conclusion_without_a_number_is_kept_and_a_patient_outside_is_not(store: Engine):
    """Follow-up needs to know who was looked at and got no number."""
    service = client(prediction_key=KEY)
    service.post(URL, json=request(prefetch=prefetch(nihss=b.searchset())))
    outside = prefetch(conditions=b.searchset(), nihss=None, reports=None)
    service.post(URL, json=request(prefetch=outside, hookInstance=INSTANCE[:-1] + "2"))
    (read,) = read_predictions(store, (ONE,), None, b.PATIENT_ID)
    assert ("not-computed", "no-baseline", None) == (read.kind, read.code, read.prediction)


def test_nothing_stored_can_be_read_without_the_key(tmp_path: Path):
    """No id, name of a server, value, sentence or reason stands in the file."""
    engine = open_store(f"sqlite:///{tmp_path}/endwatch.sqlite")
    Predictions(engine, (ONE,)).keep(STORED)
    engine.dispose()
    raw = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"i1" in raw
    for secret in (b'"p1"', b"ehr.example", b"no-baseline", b'e1"', KEY.encode()):
        assert secret not in raw


def test_one_patient_is_never_read_as_another():
    """Neither another id, nor the same id at another server, nor a payload that was moved to another row."""
    engine = open_store("sqlite://")
    store = Predictions(engine, (ONE,))
    store.keep(STORED)
    store.keep(replace(STORED, patient_id="p2"))
    assert [] == [*read_predictions(engine, (ONE,), None, "p1"), *read_predictions(engine, (ONE,), BASE, "p3")]
    first, second = rows(engine)
    with engine.begin() as connection:
        connection.execute(update(PredictionRow).where(PredictionRow.id == second.id).values(payload=first.payload))
    assert () == read_predictions(engine, (ONE,), BASE, "p2")
    assert ("p1",) == tuple(one.patient_id for one in read_predictions(engine, (ONE,), BASE, "p1"))
    engine.dispose()


def test_a_repeated_call_is_kept_once_and_a_course_comes_in_order():
    """A call that reaches two workers counts once; the oldest conclusion comes first."""
    engine = open_store("sqlite://")
    store = Predictions(engine, (ONE,))
    for number, hours in ((2, 12), (1, 6), (1, 7)):
        store.keep(replace(STORED, hook_instance=f"i{number}", as_of=b.at(hours)))
    assert ["i1", "i2"] == [one.hook_instance for one in read_predictions(engine, (ONE,), BASE, "p1")]
    engine.dispose()


def test_a_new_key_encrypts_and_the_old_one_still_reads():
    """Rotation: the old key stays behind the first one until what it encrypted is gone."""
    engine = open_store("sqlite://")
    Predictions(engine, (ONE,)).keep(STORED)
    both = keys_from(f"{OTHER}, {KEY}")
    demand_keys(engine, both)
    Predictions(engine, both).keep(replace(STORED, hook_instance="i2", as_of=STORED.as_of + timedelta(hours=1)))
    assert ["i1", "i2"] == [one.hook_instance for one in read_predictions(engine, both, BASE, "p1")]
    assert ["i2"] == [one.hook_instance for one in read_predictions(engine, both[:1], BASE, "p1")]
    with pytest.raises(PredictionKeyError, match="need a key that is not given"):
        demand_keys(engine, both[:1])
    engine.dispose()


@pytest.mark.parametrize("wrong", ["x" * 44, f"{KEY},", f"{KEY} {OTHER}", "ü" * 44, f"{KEY}{KEY}"])
def test_a_wrong_key_stops_start_up_with_the_setting_s_name_and_never_shows_it(wrong: str):
    """Better no service than one that believes that it keeps what it cannot read."""
    settings = Settings(mode="test", fhir_servers=(FhirServer(base=BASE),), prediction_key=wrong)
    with pytest.raises(SettingsError, match="ENDWATCH_PREDICTION_KEY: each key has to be a Fernet key") as caught:
        create_app(settings, predictor=FakePredictor())
    assert KEY not in str(caught.value)


def test_a_key_that_does_not_read_what_is_stored_stops_start_up(store: Engine):
    """The sentence says what to do."""
    Predictions(store, (ONE,)).keep(STORED)
    with pytest.raises(SettingsError, match=r"ENDWATCH_PREDICTION_KEY: .* `endwatch purge --unreadable`"):
        client(prediction_key=OTHER)


@pytest.mark.parametrize("setting", ["prediction_key", "audit_key"])
def test_no_key_is_ever_printed(setting: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Neither by `endwatch settings` nor by a traceback."""
    monkeypatch.setenv(f"ENDWATCH_{setting.upper()}", KEY)
    main(["settings"], standalone_mode=False)
    assert KEY not in capsys.readouterr().out + repr(Settings(**{setting: KEY})) + repr(ONE)


def test_a_key_that_is_too_short_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch):
    """A short one can be guessed, and with it every patient's hash."""
    for setting in ("PREDICTION_KEY", "AUDIT_KEY"):
        monkeypatch.setenv(f"ENDWATCH_{setting}", "hunter2")
        with pytest.raises(SettingsError, match=f"ENDWATCH_{setting}") as caught:
            load_settings()
        monkeypatch.delenv(f"ENDWATCH_{setting}")
        assert "hunter2" not in str(caught.value)


def test_a_store_that_fails_costs_the_row_and_not_the_card(store: Engine, caplog: pytest.LogCaptureFixture):
    """And the log says which call, without what was in it."""
    service = client(prediction_key=KEY)
    Base.metadata.drop_all(store)
    assert 1 == len(service.post(URL, json=request()).get_json()["cards"])
    assert f"prediction lost: {INSTANCE} (OperationalError)" in caplog.text
    assert b.PATIENT_ID not in caplog.text


def test_text_that_is_no_unicode_costs_the_row_and_not_the_card(caplog: pytest.LogCaptureFixture):
    """JSON can carry half a character."""
    Predictions(open_store("sqlite://"), (ONE,)).keep(replace(STORED, reason="\ud800"))
    assert "prediction lost: i1 (PydanticSerializationError)" in caplog.text


@pytest.mark.parametrize(
    "payload",
    [b"", b"gAAAA", ONE.fernet.encrypt(b"{}"), ONE.fernet.encrypt(b"\xff")],
    ids=["nothing", "cut short", "no prediction", "no text"],
)
def test_a_damaged_row_hides_no_other(payload: bytes, caplog: pytest.LogCaptureFixture):
    """It is left out, and the log names it."""
    engine = open_store("sqlite://")
    for name in ("i1", "i2"):
        Predictions(engine, (ONE,)).keep(replace(STORED, hook_instance=name))
    with engine.begin() as connection:
        connection.execute(update(PredictionRow).where(PredictionRow.id == 1).values(payload=payload))
    with caplog.at_level(logging.ERROR):
        assert ["i2"] == [one.hook_instance for one in read_predictions(engine, (ONE,), BASE, "p1")]
    assert "stored prediction 1 cannot be read" in caplog.text
    engine.dispose()


def test_the_columns_in_clear_are_the_documented_ones():
    """Whatever is added to them is seen by who has the database alone."""
    clear: set[Any] = {"id", "as_of", "hook_instance", "artifact", "key_id", "patient", "payload"}
    assert clear == set(PredictionRow.__table__.columns.keys())
