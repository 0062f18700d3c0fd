"""The demo patients: valid FHIR, regenerated to the byte, and each with the answer it promises."""

from datetime import timedelta
from pathlib import Path

import pytest

from cds_service.demo.load import HostNotNamed, load
from cds_service.demo.patients import DemoPatient, UnknownPatient, as_of, demo_patient, demo_patients, shift
from cds_service.demo.replay import Refused, replay
from cds_service.settings import FhirServer, Settings
from fhir_mappings.reading import read
from fhir_mappings.site import Site
from tests import builders as b
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with
from tools.write_demo_patients import OUT, written

ALL = pytest.mark.parametrize("patient", demo_patients(), ids=lambda patient: patient.id)


def test_the_bundles_are_what_their_descriptions_say():
    """Regenerating changes no byte, and the index lists each bundle."""
    assert {path.name: path.read_text("utf-8") for path in OUT.glob("*.json")} == written()
    assert {f"{patient.id}.json" for patient in demo_patients()} == set(written())


@ALL
def test_every_resource_is_valid_fhir_as_it_stands(patient: DemoPatient):
    """No quirk is needed, references are relative, ids begin with a letter."""
    for entry in patient.bundle["entry"]:
        resource, issues = read(entry["resource"], patient.id, Site(quirks=()))
        assert resource is not None
        assert () == issues
        assert entry["request"]["url"].split("/")[1][0].isalpha()


@ALL
def test_every_demo_patient_gets_the_answer_that_the_index_promises(patient: DemoPatient):
    """Through the whole service, at the bundle's own moment."""
    model = FakePredictor()
    cards = replay(patient.id, predictor=model)["cards"]
    assert (patient.answer == "outside") == (cards == [])
    assert (patient.answer == "risk") == (model.calls == 1)


@ALL
def test_nothing_is_left_out_of_a_demo_chart(patient: DemoPatient):
    """Every resource is read without an issue: no "left out" on any card."""
    assert not any("left out" in card["detail"] for card in replay(patient.id, predictor=FakePredictor())["cards"])


def test_shifting_moves_every_time_by_the_same_amount():
    """The anchor becomes the new moment; the rest keeps its distance."""
    bundle = demo_patient("flagged").bundle
    moved = shift(bundle, as_of(bundle) + timedelta(days=30, hours=1))
    before, after = (one["entry"][1]["resource"]["period"]["start"] for one in (bundle, moved))
    assert ("2026-03-02T08:00:00Z", "2026-04-01T09:00:00Z") == (before, after)
    assert bundle == shift(bundle, as_of(bundle))


def test_a_shifted_patient_gets_the_same_card():
    """Nothing expires."""
    summary = [card["summary"] for card in replay("demo-end-charted", predictor=FakePredictor())["cards"]]
    assert ["NIHSS 9 -> 11 (08:18 -> 13:00); meets the END rule; repeat the examination"] == summary


def test_an_unknown_patient_or_file_is_named(tmp_path: Path):
    """One sentence, no trace."""
    with pytest.raises(UnknownPatient, match="nobody"):
        replay("nobody")
    with pytest.raises(Refused, match="cannot be read"):
        replay(str(tmp_path / "missing.json"))
    with pytest.raises(Refused, match="no FHIR time"):
        replay("demo-flagged", "yesterday")


def test_loading_writes_a_transaction_a_patient_and_refuses_other_hosts():
    """Nothing is sent to a host that is not named."""
    fhir = FakeFhir({"": (200, {"resourceType": "Bundle"})})
    settings = Settings(mode="test", fhir_servers=(FhirServer(base=BASE, auth="none"),))
    assert demo_patients() == tuple(load(BASE, settings, session_with(fhir), b.at(0)))
    assert len(demo_patients()) == len(fhir.asked)
    with pytest.raises(HostNotNamed):
        next(load("https://other.example/fhir", settings, session_with(fhir), b.at(0)))
    assert len(demo_patients()) == len(fhir.asked)
