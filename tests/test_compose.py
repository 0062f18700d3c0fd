"""deploy/compose.yaml as far as it can be judged without containers: its form, and that its parts fit together."""

import json
import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from cds_service.cli import main
from cds_service.outbound.hosts import target_for
from cds_service.settings import PREFIX, Settings, load_settings
from cds_service.starting import start_faults

ROOT = Path(__file__).parents[1]
FILE = ROOT / "deploy/compose.yaml"
SERVICES = {"db", "hapi", "endwatch"}
_POM = "{http://maven.apache.org/POM/4.0.0}"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def settings_of(service: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that a service's environment makes."""
    for name, value in service["environment"].items():
        assert name.startswith(PREFIX)
        monkeypatch.setenv(name, value)
    return load_settings()


def ports(service: dict[str, Any]) -> list[list[str]]:
    """Address, published port and port of a service."""
    return [one.split(":") for one in service.get("ports", ())]


def test_it_is_a_compose_file(compose: dict[str, Any]) -> None:
    """By the JSON schema of the Compose Specification."""
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    jsonschema.validate(compose, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(compose | {"services": {"db": {"imagine": "postgres"}}}, schema)


def test_every_service_that_is_waited_for_is_there(compose: dict[str, Any]) -> None:
    """Database, server, service: each waits for the one before, and only what can be healthy is waited for so."""
    services = compose["services"]
    assert SERVICES == set(services)
    waits = {name: one.get("depends_on", {}) for name, one in services.items()}
    assert {"db": [], "hapi": ["db"], "endwatch": ["hapi"]} == {name: list(on) for name, on in waits.items()}
    healthy = [other for on in waits.values() for other, how in on.items() if how["condition"] == "service_healthy"]
    assert all("test" in services[other]["healthcheck"] for other in healthy)


def test_its_settings_are_settings_and_let_the_service_start(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt name or value would stop the container."""
    settings = settings_of(compose["services"]["endwatch"], monkeypatch)
    assert "test" == settings.mode
    assert () == start_faults(settings, "simulated")


def commands(service: dict[str, Any]) -> list[list[str]]:
    """What the service's container runs, one after the other, each only where the one before went well."""
    assert ["sh", "-c"] == service["entrypoint"]
    (line,) = service["command"]
    return [shlex.split(part) for part in line.split("&&")]


def test_whatever_starts_the_service_seeds_first(compose: dict[str, Any]) -> None:
    """After a reboot Docker restarts containers one by one, without their order: so it is one container's own."""
    one = compose["services"]["endwatch"]
    assert "unless-stopped" == one["restart"]
    assert ["endwatch", "exec"] == [words[0] for words in commands(one)]
    assert [["load"], ["endwatch", "serve"]] == [commands(one)[0][1:2], commands(one)[1][1:]]
    wait_s = float(commands(one)[0][commands(one)[0].index("--wait") + 1])
    assert wait_s < float(one["healthcheck"]["start_period"].removesuffix("s"))


def test_what_is_seeded_is_what_is_read(compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is one of ours, its server may be called, and browsers' name for it is known."""
    services = compose["services"]
    settings = settings_of(services["endwatch"], monkeypatch)
    _, program, *words = commands(services["endwatch"])[0]
    given = main.commands[program].make_context(program, words).params
    target = target_for(given["fhir"], settings)
    assert target is not None
    assert "hapi" == urlsplit(target.base).hostname
    ((_, published, inside),) = ports(services["hapi"])
    assert inside == str(urlsplit(target.base).port)
    assert target == target_for(f"http://localhost:{published}/fhir", settings)


def test_the_service_is_asked_where_it_listens(compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Published port, public URL and health check name one port; the image listens on every address inside."""
    service = compose["services"]["endwatch"]
    settings = settings_of(service, monkeypatch)
    ((_, published, inside),) = ports(service)
    assert published == str(urlsplit(settings.public_base_url).port)
    assert f":{inside}/ready" in service["healthcheck"]["test"][-1]
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert f"ENDWATCH_PORT={inside}" in dockerfile
    assert "ENDWATCH_HOST=0.0.0.0" in dockerfile


def test_nothing_is_reached_from_other_machines(compose: dict[str, Any]) -> None:
    """Test mode takes calls without a token, and HAPI anybody's."""
    assert {"127.0.0.1"} == {address for one in compose["services"].values() for address, *_ in ports(one)}


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    """Passwords come from the environment, and without them nothing starts."""
    secret = re.compile(r"password|secret|token", re.IGNORECASE)
    held = [
        value
        for one in compose["services"].values()
        for name, value in one["environment"].items()
        if secret.search(name)
    ]
    assert 2 == len(held)
    assert all(re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value) for value in held)


def test_images_are_pinned_and_hapi_is_the_one_that_the_tests_run(compose: dict[str, Any]) -> None:
    """A tag with a version; for HAPI the version of the tests' own server."""
    images = {name: one["image"] for name, one in compose["services"].items()}
    assert all(re.search(r":v?\d|:sandbox$", image) for image in images.values())
    version = ElementTree.parse(ROOT / "tests/integration/hapi/pom.xml").findtext(f".//{_POM}hapi.version")  # noqa: S314 (our own file)
    assert images["hapi"].startswith(f"hapiproject/hapi:v{version}-")


def test_what_is_built_is_our_image(compose: dict[str, Any]) -> None:
    """From the root of the checkout, where the Dockerfile is."""
    assert (FILE.parent / compose["services"]["endwatch"]["build"]["context"] / "Dockerfile").exists()
