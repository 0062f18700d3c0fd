"""A site's own certificate authorities: they vouch for the hosts of their entry, alone, and for no other."""

import time
from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.outbound.authorities import authorities_of, authority_faults
from cds_service.outbound.session import OutboundError, get_json, new_session
from cds_service.settings import FhirServer, Issuer, Settings, SettingsError
from tests.cds_service.test_tls import certificate, serving
from tests.fakes import FakePredictor
from tests.loopback import renamed
from tests.token_server import backend


def listed(*servers: FhirServer, **settings: object) -> Settings:
    """Settings of these servers."""
    return Settings(mode="test", fhir_servers=servers, **settings)  # type: ignore[arg-type]


def fetched(url: str, settings: Settings) -> object:
    """The JSON at a URL, with the authorities of the settings; every name leads to loopback."""
    with new_session(lambda _: ["127.0.0.1"], authorities_of(settings)) as session:
        return get_json(session, url, until=time.monotonic() + 5)


def test_a_host_is_reached_under_its_entry_s_authority(tmp_path: Path):
    """Nobody else vouches for it: without the file there is no connection."""
    own = certificate(tmp_path, "localhost")
    with serving(own) as (url, _, requests):
        with pytest.raises(OutboundError, match="not reachable"):
            fetched(url, listed(FhirServer(base=url)))
        assert [] == requests
        assert {"a": 1} == fetched(f"{url}/metadata", listed(FhirServer(base=url, ca_file=own)))
        assert {"a": 1} == fetched(url, listed(some_server(), issuers=(Issuer(iss="x", jku=(url,), ca_file=own),)))


def some_server() -> FhirServer:
    """Some server."""
    return FhirServer(base="https://ehr.example/fhir")


def test_an_authority_vouches_for_no_other_host(tmp_path: Path):
    """Not for one of another port, nor for a name that only begins alike."""
    own = certificate(tmp_path, "localhost")
    with serving(own) as (url, _, requests):
        for base in ("https://localhost:1/fhir", "https://ehr.example/fhir", url.replace("https:", "http:")):
            with pytest.raises(OutboundError, match="not reachable"):
                fetched(url, listed(FhirServer(base=base, ca_file=own)))
        short = url.rpartition("/")[0][:-1]  # localhost:1234 begins localhost:12345
        with pytest.raises(OutboundError, match="not reachable"):
            fetched(url, listed(FhirServer(base=short, ca_file=own)))
    assert [] == requests


def test_a_host_with_an_authority_of_its_own_is_believed_under_no_other(tmp_path: Path):
    """What the session trusts besides does not count there."""
    own = certificate(tmp_path, "localhost")
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other", "localhost")
    with serving(own) as (url, _, requests):
        authorities = authorities_of(listed(FhirServer(base=url, ca_file=other)))
        with new_session(authorities=authorities) as session:
            session.verify = str(own)
            with pytest.raises(OutboundError, match="not reachable"):
                get_json(session, url, until=time.monotonic() + 5)
    assert [] == requests


def test_the_address_is_checked_under_an_own_authority_too(tmp_path: Path):
    """A certificate does not open loopback to a name."""
    own = certificate(tmp_path, "ehr.example")
    with serving(own) as (url, names, _):
        named = renamed(url, "ehr.example")
        with pytest.raises(OutboundError, match="address not allowed: loopback"):
            fetched(named, listed(FhirServer(base=named, ca_file=own)))
    assert [] == names


def test_a_file_that_goes_away_fails_the_request_and_nothing_else(tmp_path: Path):
    """It does not fall back to what everybody trusts."""
    own = certificate(tmp_path, "localhost")
    with serving(own) as (url, _, requests):
        settings = listed(FhirServer(base=url, ca_file=own))
        with new_session(authorities=authorities_of(settings)) as session:
            own.unlink()
            with pytest.raises(OutboundError, match="not reachable"):
                get_json(session, url, until=time.monotonic() + 5)
    assert [] == requests


def test_the_token_server_of_an_entry_is_under_the_same_authority(tmp_path: Path):
    """A hospital's authority signs for both; on its own port without saying so too."""
    file = tmp_path / "ca.pem"
    server = FhirServer(
        base="https://EHR.example/fhir", auth="backend", ca_file=file,
        backend=backend(tmp_path, token_url="https://auth.example:8443/token"),
    )  # fmt: skip
    starts = {"https://ehr.example/", "https://ehr.example:443/", "https://auth.example:8443/"}
    assert {(start, file) for start in starts} == set(authorities_of(listed(server)))


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"", "holds no certificate"), (b"no", "holds no certificate")]
)
def test_a_file_without_a_certificate_stops_the_start(tmp_path: Path, content: bytes | None, said: str):
    """One sentence names the setting and the entry."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"ENDWATCH_FHIR_SERVERS: ca_file of https://a.example {said}"):
        create_app(listed(FhirServer(base="https://a.example", ca_file=file)), predictor=FakePredictor())
    issuer = Issuer(iss="x", jku=("https://b.example/jwks",), ca_file=file)
    faults = authority_faults(listed(FhirServer(base="https://a.example"), issuers=(issuer,)))
    assert [f"ENDWATCH_ISSUERS: ca_file of https://b.example/jwks {said}."] == faults


def test_two_files_for_one_host_stop_the_start(tmp_path: Path):
    """Which of them counts would be an accident of their order."""
    one, two = certificate(tmp_path, "a.example"), certificate(tmp_path, "b.example")
    servers = (
        FhirServer(base="https://a.example/x", ca_file=one), FhirServer(base="https://A.example:443/y", ca_file=two),
    )  # fmt: skip
    (fault,) = authority_faults(listed(*servers))
    assert "ENDWATCH_FHIR_SERVERS: ca_file of https://A.example:443/y is another one" in fault
    assert [] == authority_faults(listed(servers[0]))
