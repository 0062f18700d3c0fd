"""The demo patients on each FHIR server: whatever way the data come, the cards are the same."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.demo.patients import DemoPatient, demo_patients, prefetch_from, shift
from models.prediction import Predicts
from tests.integration.asking import AS_OF, asked, filled, offered, service, without_uuids
from tests.integration.expected import demand_same, differences
from tests.integration.servers import FILLS_TEMPLATES, Server

ALL = pytest.mark.parametrize("patient", demo_patients(), ids=lambda patient: patient.id)
TEMPLATES = pytest.mark.parametrize("server", FILLS_TEMPLATES, indirect=True)


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    """The server with every demo patient, by the transactions that `endwatch load` sends."""
    for patient in demo_patients():
        server.post(shift(patient.bundle, AS_OF))
    return server


@pytest.fixture(scope="module")
def client(model: Predicts, loaded: Server) -> FlaskClient:
    """The service, which may call this server."""
    return service(model, loaded)


@pytest.fixture(scope="module")
def whole(model: Predicts) -> dict[str, Any]:
    """The answers to prefetches that hold everything, from a service that reaches no server."""
    client, held = service(model), {one.id: prefetch_from(shift(one.bundle, AS_OF)) for one in demo_patients()}
    return {id_: asked(client, id_, prefetch=prefetch) for id_, prefetch in held.items()}


@ALL
def test_a_chart_read_from_the_server_gives_the_card_of_a_whole_prefetch(
    loaded: Server, client: FlaskClient, whole: dict[str, Any], patient: DemoPatient
) -> None:
    """Word for word, suggestions and links included."""
    found = asked(client, patient.id, server=loaded)
    demand_same(loaded.kind, patient.id, "read", whole[patient.id], found)


@TEMPLATES
@ALL
def test_a_prefetch_made_from_the_templates_gives_the_same_card_or_one_that_says_what_is_missing(
    loaded: Server, client: FlaskClient, whole: dict[str, Any], patient: DemoPatient
) -> None:
    """Asked as an EHR asks: each template once, the first page as it came; nothing is fetched besides."""
    prefetch = filled(offered(client), loaded, patient.id)
    demand_same(loaded.kind, patient.id, "templates", whole[patient.id], asked(client, patient.id, prefetch=prefetch))


@TEMPLATES
@ALL
def test_what_templates_do_not_carry_is_fetched(
    loaded: Server, client: FlaskClient, whole: dict[str, Any], patient: DemoPatient
) -> None:
    """With the prefetch of the templates and the server beside it nothing is missing."""
    prefetch = filled(offered(client), loaded, patient.id)
    found = asked(client, patient.id, prefetch=prefetch, server=loaded)
    demand_same(loaded.kind, patient.id, "templates and read", whole[patient.id], found)


def test_the_same_server_under_an_alias_gives_the_same_card(model: Predicts, loaded: Server) -> None:
    """What browsers call ``localhost`` is another host for the service: what is called is the listed base."""
    alias = "http://fhir.browser.example:9999/r4"
    client = service(model, loaded, alias=alias)
    direct = asked(client, "demo-flagged", server=loaded)
    assert without_uuids(direct) == without_uuids(asked(client, "demo-flagged", server=loaded, fhirServer=alias))


def test_every_known_difference_is_of_a_chart_that_is_tried() -> None:
    """A row that no test reads would say nothing."""
    assert {one.chart for one in differences()} <= {*(one.id for one in demo_patients()), "monitored", "any"}
