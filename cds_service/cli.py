"""The `endwatch` command. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cds_service.cli_check import check
from cds_service.cli_model import MODEL_COMMANDS
from cds_service.cli_prefetch import prefetch
from cds_service.cli_records import purge
from cds_service.terminal import as_text, settings_in_force, site_in_force, told

if TYPE_CHECKING:
    from cds_service.app import Application
    from cds_service.settings import Settings

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="endwatch")
def main() -> None:
    """Risk of early neurological deterioration after ischemic stroke, over CDS Hooks and FHIR."""


for command in MODEL_COMMANDS:
    main.add_command(command)
main.add_command(purge)
main.add_command(check)
main.add_command(prefetch)


@main.command()
@click.option("--port", default=8000, show_default=True, help="Port on 127.0.0.1.")
def demo(port: int) -> None:
    """Serve demo patients with an embedded FHIR server on this machine."""
    from datetime import UTC, datetime

    from cds_service.app import create_app
    from cds_service.demo.load import load
    from cds_service.demo.server import EmbeddedServerError, embedded_server
    from cds_service.outbound.session import OutboundError, new_session
    from cds_service.settings import FhirServer

    session, base = new_session(), f"http://127.0.0.1:{port}"
    click.echo("Starting the embedded FHIR server and the model ...", err=True)
    with told(EmbeddedServerError, OutboundError), embedded_server(session) as fhir:
        settings = settings_in_force(
            mode="demo",
            host="127.0.0.1",
            port=port,
            public_base_url=base,
            fhir_servers=(FhirServer(base=fhir, auth="none"),),
        )
        for _ in load(fhir, settings, session, datetime.now(UTC)):
            pass
        app = _started(lambda: create_app(settings, session=session))
        click.echo(f"FHIR server  {fhir}\nCDS Hooks    {base}/cds-services\nDemo         {base}/")
        _run(app, settings)


@main.command()
@click.option("--test", is_flag=True, help="Test mode: loopback, EHR tokens not required, a banner on every card.")
@click.option("--fhir", multiple=True, metavar="URL", help="A FHIR base that may be called; open, in test mode.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
def serve(test: bool, fhir: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Serve as the ENDWATCH_* settings say."""
    from cds_service.app import create_app
    from cds_service.fhir_client.fhir_versions import FhirVersions, watch_listed
    from cds_service.settings import FhirServer

    given: dict[str, Any] = {"mode": "test"} if test else {}
    given |= {"host": host} if host else {}
    given |= {"port": port} if port is not None else {}
    if fhir:
        given["fhir_servers"] = tuple(FhirServer(base=url, auth="none" if test else "call") for url in fhir)
    settings = settings_in_force(**given)
    versions = FhirVersions()
    app = _started(lambda: create_app(settings, versions=versions))
    watch_listed(versions, settings)
    click.echo(f"CDS Hooks    http://{settings.host}:{settings.port}/cds-services ({settings.mode} mode)")
    _run(app, settings)


@main.command()
@click.option(
    "--fhir", required=True, metavar="URL", help="The FHIR base to write to; must be named as one that may be called."
)
@click.option("--wait", default=0.0, metavar="SECONDS", help="How long a server that is still starting is waited for.")
def load(fhir: str, wait: float) -> None:
    """Write the demo patients, moved to now, to a FHIR server."""
    from datetime import UTC, datetime

    from cds_service.demo.load import HostNotNamed
    from cds_service.demo.load import load as write
    from cds_service.outbound.session import OutboundError, new_session

    settings = settings_in_force()
    with told(HostNotNamed, OutboundError):
        for patient in write(fhir, settings, new_session(), datetime.now(UTC), wait_s=wait):
            click.echo(f"{patient.id:22} {patient.answer:20} {patient.story}")


@main.command()
@click.argument("what", required=False)
@click.option("--as-of", metavar="TIME", help="The moment of the call; the bundle's own by default.")
@click.option("--json", "raw", is_flag=True, help="The raw response.")
@click.option("--list", "list_", is_flag=True, help="One demo patient a line.")
def call(what: str | None, as_of: str | None, raw: bool, list_: bool) -> None:
    """Print the card of a demo patient, or of a request file, without a server."""
    from cds_service.demo.patients import UnknownPatient, demo_patients
    from cds_service.demo.replay import Refused, replay

    if list_:
        for patient in demo_patients():
            click.echo(f"{patient.id:22} {patient.answer:20} {patient.story}")
        return
    if what is None:
        raise click.UsageError("name a demo patient or a request file, or use --list")
    with told(UnknownPatient, Refused):
        answer = replay(what, as_of)
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if raw else as_text(answer))


@main.command("map")
@click.argument("bundle", type=_FILE, required=False)
@click.option("--fhir", metavar="URL", help="A FHIR base to read from, instead of a Bundle in a file.")
@click.option("--patient", metavar="ID", help="The Patient's id; needed with --fhir and where a Bundle holds several.")
@click.option("--token-file", type=_FILE, help="A file with the access token for the FHIR base.")
@click.option("--as-of", metavar="TIME", help="The moment to look at; now, or the last thing that a Bundle tells.")
@click.option("--json", "raw", is_flag=True, help="The same as JSON.")
def map_(
    bundle: Path | None, *, fhir: str | None, patient: str | None, token_file: Path | None, as_of: str | None, raw: bool
) -> None:
    """Print what is read from a patient's chart, what is left out and why, and which codes are unknown."""
    from cds_service.mapped.charts import ChartError, chart_to_look_at
    from cds_service.mapped.described import described
    from cds_service.mapped.page import page

    site = site_in_force()
    with told(ChartError):
        looked = chart_to_look_at(bundle, fhir, patient, site, as_of=as_of, token_file=token_file)
    found = described(looked, site, live=as_of is None)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if raw else page(found))


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option("--json", "raw", is_flag=True, help="The same as JSON.")
def read(file: BinaryIO, *, raw: bool) -> None:
    """Print the findings of a report (text, HTML, RTF or PDF), or of JSON lines with "text"; - is standard input."""
    from cds_service.reading import CannotRead, printed

    with told(CannotRead):
        for line in printed(file, as_json=raw):
            click.echo(line)


@main.command()
def settings() -> None:
    """List every setting with its environment variable, value and meaning."""
    from cds_service.settings import PREFIX

    held = settings_in_force()
    for name, field in type(held).model_fields.items():
        value = getattr(held, name)
        shown = "(set; not shown)" if name == "database_url" and "@" in str(value) else value
        click.echo(f"{PREFIX}{name.upper()} = {shown}\n    {field.description}")
    site_in_force()  # a fault in the quirks or in a ConceptMap ends the list


def _started(make: Callable[[], Application]) -> Application:
    """The application, or one sentence saying which setting keeps it from starting."""
    from cds_service.settings import SettingsError
    from models.errors import ArtifactError

    with told(SettingsError, ArtifactError):
        return make()


def _run(app: Application, settings: Settings) -> None:
    from cds_service.limits.listening import server_for
    from cds_service.log_lines import start_log
    from cds_service.starting import start_warnings

    start_log(settings.log_level)
    for line in start_warnings(settings):
        logging.getLogger(__name__).warning(line)
    try:
        server_for(app, settings).run()
    except OSError as error:
        raise click.ClickException(
            f"{settings.host}:{settings.port}: {error.strerror}; choose another --port."
        ) from None


if __name__ == "__main__":
    main()
