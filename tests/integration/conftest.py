"""The servers and the model of the integration tests."""

from collections.abc import Iterator

import pytest

from models.prediction import Predicts
from tests.integration.servers import KINDS, Server, given_server, hapi_server, oracle_server, sekmet_server
from tests.servers_told import tell


def _noted(server: Server, config: pytest.Config) -> Server:
    kind = f"given, {server.kind}" if server.given else server.kind
    tell(config, f"FHIR server ({kind}): {server.name} {server.version}")
    return server


@pytest.fixture(scope="session")
def hapi(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A running HAPI FHIR server, its defaults untouched."""
    with hapi_server() as server:
        yield _noted(server, pytestconfig)


@pytest.fixture(scope="session")
def oracle(hapi: Server, pytestconfig: pytest.Config) -> Iterator[Server]:
    """HAPI behind the rules of Oracle Health's public pages."""
    with oracle_server(hapi) as server:
        yield _noted(server, pytestconfig)


@pytest.fixture(scope="session")
def sekmet(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A running sekmet-fhir server that wants a token."""
    with sekmet_server() as server:
        yield _noted(server, pytestconfig)


@pytest.fixture(scope="session")
def given(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The server that ``ENDWATCH_TEST_FHIR`` names."""
    with given_server() as server:
        yield _noted(server, pytestconfig)


@pytest.fixture(scope="session", params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn that the contract suite runs against."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def model() -> Predicts:
    """The shipped model."""
    from models.predictor import load_predictor

    return load_predictor()
