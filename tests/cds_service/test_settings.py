"""Settings: misspelt names stop start-up, and each mode says what it lacks."""

import pytest

from cds_service.app import create_app
from cds_service.settings import FhirServer, Issuer, Settings, SettingsError, load_settings
from cds_service.site import site_of
from cds_service.starting import start_faults
from fhir_mappings.quirks import DEFAULT_QUIRKS
from tests.fakes import BASE, FakePredictor

READY = {"fhir_servers": (FhirServer(base=BASE),), "issuers": (Issuer(iss="https://ehr.example", jku=("https://ehr.example/jwks",)),),
         "simulated_risk": "show"}  # fmt: skip


def test_a_misspelt_name_stops_start_up():
    """pydantic-settings would ignore it silently."""
    with pytest.raises(SettingsError, match="ENDWATCH_FHIR_SERVER is no setting"):
        load_settings({"ENDWATCH_FHIR_SERVER": "x"})


def test_names_reserved_for_tests_are_passed_over():
    """ENDWATCH_TEST_* belongs to tests."""
    assert "production" == load_settings({"ENDWATCH_TEST_ANYTHING": "1"}).mode


@pytest.mark.parametrize(("name", "value"), [("MODE", "other"), ("PORT", "99999"), ("FHIR_SERVERS", '[{"bas": "x"}]')])
def test_a_wrong_value_names_its_setting_and_not_the_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    """One sentence names the variable."""
    monkeypatch.setenv(f"ENDWATCH_{name}", value)
    with pytest.raises(SettingsError, match=f"ENDWATCH_{name}"):
        load_settings()


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ("fhir_servers", "ENDWATCH_FHIR_SERVERS"),
        ("issuers", "ENDWATCH_ISSUERS"),
        ("simulated_risk", "ENDWATCH_SIMULATED_RISK"),
    ],
)
def test_production_names_the_setting_that_is_missing(lacking: str, named: str):
    """Start-up stops with one sentence."""
    given = {key: value for key, value in READY.items() if key != lacking}
    with pytest.raises(SettingsError, match=named):
        create_app(Settings(**given), predictor=FakePredictor())


def test_production_starts_when_nothing_is_missing(tmp_path):
    """A local model needs no word on simulated ones."""
    assert () == start_faults(Settings(**READY), "simulated")
    assert () == start_faults(Settings(**{**READY, "simulated_risk": None}), "local")


def test_plain_http_is_refused_in_production():
    """CDS Hooks 2.0.1: https where production data is exchanged."""
    given = READY | {"fhir_servers": (FhirServer(base="http://ehr.example/fhir"),)}
    assert "https" in start_faults(Settings(**given), "simulated")[0]


def test_the_demo_listens_on_loopback_only():
    """The demo has no authentication."""
    assert "ENDWATCH_HOST" in start_faults(Settings(mode="demo", host="0.0.0.0"), "simulated")[0]  # noqa: S104


@pytest.mark.parametrize(
    ("issuer", "named"),
    [
        (Issuer(iss="https://sandbox.cds-hooks.org", jku=("https://sandbox.cds-hooks.org/jwks",)), "public key"),
        (Issuer(iss="https://ehr.example", jku=("http://ehr.example/jwks",)), "https"),
        (Issuer(iss="https://ehr.example"), "jwks_file or jku"),
    ],
)
def test_an_issuer_that_proves_nothing_is_refused_in_production(issuer: Issuer, named: str):
    """The Sandbox's key is public, a key over plain http is anybody's, and without keys nothing is verified."""
    faults = start_faults(Settings(**{**READY, "issuers": (issuer,)}), "simulated")
    assert ["ENDWATCH_ISSUERS"] == [fault.split(":")[0] for fault in faults]
    assert named in faults[0]


@pytest.mark.parametrize(
    "base", ["ehr.example/fhir", "ftp://ehr.example", "https://u:p@ehr.example", "https://ehr.example/fhir?x=1"]
)
def test_a_base_that_could_never_be_called_stops_start_up(monkeypatch: pytest.MonkeyPatch, base: str):
    """It would look listed, and every call would answer 412."""
    monkeypatch.setenv("ENDWATCH_FHIR_SERVERS", f'[{{"base": "{base}"}}]')
    with pytest.raises(SettingsError, match=r"ENDWATCH_FHIR_SERVERS\.0\.BASE"):
        load_settings()


def test_a_site_s_choices_are_read_from_the_settings():
    """Quirks by name, searches by category, fallbacks."""
    settings = Settings(quirks=("empty_members",), search_by_category={"labs": "laboratory"}, text_fallbacks=True)
    site = site_of(settings)
    assert (("empty_members",), {"labs": "laboratory"}, True, False) == (
        tuple(quirk.__name__ for quirk in site.quirks), site.by_category, site.text_fallbacks, site.scores_in_notes,
    )  # fmt: skip
    assert DEFAULT_QUIRKS == site_of(Settings()).quirks


def test_an_unknown_quirk_stops_the_start():
    """A misspelt name would mend nothing."""
    with pytest.raises(SettingsError, match=r"ENDWATCH_QUIRKS: .*no_such"):
        create_app(Settings(**READY, quirks=("no_such",)), predictor=FakePredictor())


def test_a_faulty_concept_map_stops_the_start_with_its_line(tmp_path):
    """File, line and fault."""
    (tmp_path / "lab.json").write_text('{"resourceType":\n"ValueSet"}', "utf-8")
    with pytest.raises(SettingsError, match=r"ENDWATCH_LOCAL_CODES: lab\.json:1: not a ConceptMap"):
        create_app(Settings(**READY, local_codes=tmp_path), predictor=FakePredictor())
