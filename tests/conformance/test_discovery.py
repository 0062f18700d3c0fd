"""Rows 6-17: what discovery tells, where, and to whom."""

import re
from typing import Any

import pytest

from cds_service.hooks.services import further_types, required_types
from tests.cds_service.calls import client
from tests.conformance.answered import Json

PATH = "/cds-services"


def discovered(**settings: Any) -> Json:
    """The discovery answer in test mode."""
    answer: Json = client(**settings).get(PATH).get_json()
    return answer


def services() -> list[Json]:
    """Every service in it."""
    found: list[Json] = discovered()["services"]
    return found


@pytest.mark.row(6, 9)
def test_discovery_stands_at_its_place_and_answers_200():
    """Exactly there: nothing above, nothing below."""
    service = client()
    assert 200 == service.get(PATH).status_code
    assert [404, 405] == [service.get(path).status_code for path in ("/cds/cds-discovery", f"{PATH}/end-risk")]


@pytest.mark.row(7)
def test_discovery_is_an_object_with_a_list_of_services():
    """And nothing else beside it."""
    answer = discovered()
    assert ["services"] == list(answer)
    assert all(isinstance(one, dict) for one in answer["services"])


@pytest.mark.row(10, 102)
def test_each_service_names_the_standard_hook():
    """A hook of one's own would need a reverse domain name."""
    assert ["patient-view"] == [one["hook"] for one in services()]


@pytest.mark.row(11)
def test_each_service_has_a_title():
    """Short enough for a list."""
    assert all(0 < len(one["title"]) <= 80 for one in services())


@pytest.mark.row(12)
def test_each_service_has_a_description():
    """It says what the figure is and, while it is so, what it is worth."""
    assert all("simulated patients" in one["description"] for one in services())


@pytest.mark.row(13)
def test_each_id_is_its_part_of_the_url():
    """It needs no escaping, and a call there reaches the service."""
    service = client()
    for one in services():
        assert re.fullmatch(r"[A-Za-z0-9._~-]+", one["id"])
        assert 400 == service.post(f"{PATH}/{one['id']}", json={}).status_code


@pytest.mark.row(14)
def test_prefetch_is_an_object_of_one_query_a_key():
    """Each a relative FHIR URL; no query stands under two keys."""
    for one in services():
        queries = list(one["prefetch"].values())
        assert all(re.match(r"[A-Z][A-Za-z]+[/?]", query) for query in queries)
        assert len(queries) == len(set(queries))


@pytest.mark.row(15)
def test_the_preconditions_name_version_queries_scopes_and_patients():
    """Every type that is read has its scope, in both forms of SMART."""
    for one in services():
        said = one["usageRequirements"]
        assert "FHIR R4" in said
        assert "Inpatients with ischemic stroke only" in said
        assert {"patient", "encounters", "conditions", "nihss"} <= set(re.findall(r"[a-z]+", said))
        for type_ in required_types() | further_types():
            assert f"patient/{type_}.rs" in said
            assert f"patient/{type_}.read" in said


@pytest.mark.row(15)
def test_the_scopes_cover_every_type_of_the_templates():
    """A type that is asked for and has no scope would be refused by the FHIR server."""
    asked = {re.split(r"[/?]", query)[0] for one in services() for query in one["prefetch"].values()}
    assert asked <= required_types() | further_types()
    assert not required_types() & further_types()


@pytest.mark.row(16)
def test_no_id_is_listed_twice():
    """Twice would mean that this service updates its own advice at another hook."""
    ids = [one["id"] for one in services()]
    assert len(ids) == len(set(ids))


@pytest.mark.row(104)
def test_each_service_names_the_versions_of_specification_and_hook():
    """2.0.1, and patient-view 1.0."""
    assert [("2.0.1", "1.0")] == [(one["version"], one["hookVersion"]) for one in services()]


@pytest.mark.row(9)
def test_a_client_that_knows_the_answer_is_told_that_it_holds():
    """ETag and If-None-Match: 304 without a body; another ETag gets the whole; five minutes need no question."""
    service = client()
    first = service.get(PATH)
    again = service.get(PATH, headers={"If-None-Match": first.headers["ETag"]})
    other = service.get(PATH, headers={"If-None-Match": '"other"'})
    assert (304, b"", "max-age=300") == (again.status_code, again.data, first.headers["Cache-Control"])
    assert (200, first.data) == (other.status_code, other.data)


@pytest.mark.row(9)
def test_the_etag_changes_with_the_answer():
    """A site's own query makes another answer."""
    tags = {
        client(**more).get(PATH).headers["ETag"] for more in ({}, {}, {"search_by_category": {"labs": "laboratory"}})
    }
    assert 2 == len(tags)
