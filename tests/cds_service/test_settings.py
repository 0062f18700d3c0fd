"""Settings: misspelt names stop start-up, and each mode says what it lacks."""

from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.settings import FhirServer, Issuer, Settings, SettingsError, load_settings
from cds_service.site import site_of
from cds_service.starting import start_faults, start_warnings
from fhir_mappings.quirks import DEFAULT_QUIRKS
from tests.fakes import BASE, FakePredictor

READY = {"fhir_servers": (FhirServer(base=BASE),), "issuers": (Issuer(iss="https://ehr.example", jku=("https://ehr.example/jwks",)),),
         "simulated_risk": "show", "public_base_url": "https://cds.example"}  # fmt: skip
TENANTS = (*READY["issuers"], Issuer(iss="https://other.example", jku=("https://other.example/jwks",)))


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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "cds.example", ""])  # noqa: S104
def test_test_mode_listens_on_loopback_unless_it_is_told_to_be_open(host: str):
    """It takes calls without a token; who opens it to a network has said so, and each start logs it."""
    settings = Settings(mode="test", host=host, fhir_servers=(FhirServer(base=BASE, auth="none"),))
    (fault,) = start_faults(settings, "simulated")
    assert "ENDWATCH_HOST must be a loopback address in test mode, or ENDWATCH_OPEN_TEST_MODE be true" in fault
    told = settings.model_copy(update={"open_test_mode": True})
    assert () == start_faults(told, "simulated")
    assert (f"test mode is open to the network of {host}: calls without a token are answered",) == start_warnings(told)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_test_mode_on_loopback_needs_no_more(host: str):
    """And has nothing to warn of."""
    settings = Settings(mode="test", host=host, fhir_servers=(FhirServer(base=BASE, auth="none"),))
    assert ((), ()) == (start_faults(settings, "simulated"), start_warnings(settings))
    assert () == start_warnings(Settings(**READY, host="0.0.0.0"))  # noqa: S104


@pytest.mark.parametrize("auth", ["none", "backend"])
def test_with_several_issuers_a_server_that_needs_no_token_of_theirs_names_its_own(auth: str):
    """Else any of them could read the chart of another's patient."""
    server = FhirServer(base="https://a.example/fhir", auth=auth)
    named = server.model_copy(update={"issuers": ("https://ehr.example",)})

    def told(server: FhirServer, issuers: tuple[Issuer, ...] = TENANTS) -> list[str]:
        given = READY | {"fhir_servers": (FhirServer(base=BASE), server), "issuers": issuers}
        return [fault for fault in start_faults(Settings(**given), "simulated") if "needs issuers" in fault]

    assert [f"ENDWATCH_FHIR_SERVERS: {server.base} needs issuers, as ENDWATCH_ISSUERS lists several EHRs."] == (
        told(server)
    )
    assert [] == told(named) == told(server, READY["issuers"]) == told(FhirServer(base=server.base))


@pytest.mark.parametrize(("allow_http", "starts"), [(False, False), (True, True)])
def test_no_name_of_a_server_is_plain_http_in_production(allow_http: bool, starts: bool):
    """A call that names it so would be a call over plain http, for all we know."""
    names = ("https://two.example/fhir", "http://three.example/fhir")
    server = FhirServer(base=BASE, also_known_as=names, allow_http=allow_http)
    faults = start_faults(Settings(**READY | {"fhir_servers": (server,)}), "simulated")
    assert starts == (faults == ())
    assert starts or "http://three.example/fhir must be https in production" in faults[0]


@pytest.mark.parametrize("given", [{}, {"public_base_url": "http://cds.example"}])
def test_production_says_under_which_https_address_it_is_reached(given: dict[str, str]):
    """By its default every token would be refused, and by http tokens and charts could be read on their way."""
    others = {key: value for key, value in READY.items() if key != "public_base_url"}
    (fault,) = start_faults(Settings(**others | given), "simulated")
    assert fault.startswith("ENDWATCH_PUBLIC_BASE_URL must be ")
    loopback = {"public_base_url": "http://127.0.0.1:8000"}
    assert () == start_faults(Settings(**others | loopback), "simulated")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite:///:memory:", "sqlite+pysqlite://",
        "sqlite:///file::memory:?uri=true", "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:any?mode=memory&cache=shared&uri=true", "sqlite:///file:/any?vfs=memdb&uri=true",
        "sqlite:///file:?uri=true", "sqlite:///?uri=true", "sqlite:///:memory:?uri=true",
    ],
)  # fmt: skip
def test_production_keeps_no_database_in_memory(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A token would count once for each worker and once after each start; feedback would be lost."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="ENDWATCH_DATABASE_URL: "):
        create_app(Settings(**READY, database_url=url), predictor=FakePredictor())
    assert [] == list(tmp_path.iterdir())


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
