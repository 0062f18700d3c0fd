"""The `endwatch` command. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cds_service.terminal import as_text, progress, settings_in_force, site_in_force, stages, told

if TYPE_CHECKING:
    from cds_service.app import Application
    from cds_service.settings import Settings
    from models.simulation.phrasebook import Phrasing

_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="endwatch")
def main() -> None:
    """Risk of early neurological deterioration after ischemic stroke, over CDS Hooks and FHIR."""


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
            fhir_servers=(FhirServer(base=fhir, open=True),),
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
    from cds_service.settings import FhirServer

    given: dict[str, Any] = {"mode": "test"} if test else {}
    given |= {"host": host} if host else {}
    given |= {"port": port} if port is not None else {}
    if fhir:
        given["fhir_servers"] = tuple(FhirServer(base=url, open=test) for url in fhir)
    settings = settings_in_force(**given)
    app = _started(lambda: create_app(settings))
    click.echo(f"CDS Hooks    http://{settings.host}:{settings.port}/cds-services ({settings.mode} mode)")
    _run(app, settings)


@main.command()
@click.option(
    "--fhir", required=True, metavar="URL", help="The FHIR base to write to; must be named as one that may be called."
)
def load(fhir: str) -> None:
    """Write the demo patients, moved to now, to a FHIR server."""
    from datetime import UTC, datetime

    from cds_service.demo.load import HostNotNamed
    from cds_service.demo.load import load as write
    from cds_service.outbound.session import OutboundError, new_session

    settings = settings_in_force()
    with told(HostNotNamed, OutboundError):
        for patient in write(fhir, settings, new_session(), datetime.now(UTC)):
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
@click.option("--patients", type=click.IntRange(1), required=True, help="How many.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--world", default="a", show_default=True, help="Which simulated world.")
@click.option("--phrasing", type=click.Choice(["training", "held-out"]), default="training", show_default=True)
@click.option("--out", type=_PATH, required=True, help="Folder to write to.")
def simulate(patients: int, seed: int, world: str, phrasing: Phrasing, out: Path) -> None:
    """Write simulated patients as FHIR NDJSON, with their truth in a file of its own."""
    from models.simulation.cohort import simulate as write
    from models.simulation.world import UnknownWorld

    with told(UnknownWorld), progress("Simulating") as done:
        write(patients, seed, world, out, done, phrasing=phrasing)


@main.command()
@click.option("--config", type=_FILE, required=True, help="Training configuration (TOML).")
@click.option("--data", type=_FOLDER, required=True, help="Folder of FHIR NDJSON.")
@click.option("--out", type=_PATH, required=True, help="Folder of the artifact to write.")
def train(config: Path, data: Path, out: Path) -> None:
    """Train an artifact on a cohort in FHIR NDJSON."""
    from models.training.cohort import CohortError
    from models.training.train import train as fit

    with told(CohortError), progress("Reading charts") as done:
        fit(config, data, out, done, site_in_force())


@main.command()
@click.option("--artifact", type=_FOLDER, help="Folder of the artifact; the shipped one by default.")
@click.option("--data", type=_FOLDER, required=True, help="Folder of FHIR NDJSON.")
@click.option("--out", type=_PATH, required=True, help="Folder for evaluation.json and report.html.")
def evaluate(artifact: Path | None, data: Path, out: Path) -> None:
    """Evaluate an artifact on a cohort in FHIR NDJSON, beside simple opponents where it was trained on that cohort."""
    from models.errors import ArtifactError
    from models.studies.of_artifact import evaluate_artifact
    from models.training.cohort import CohortError

    with told(ArtifactError, CohortError, ValueError), stages() as stage:
        evaluate_artifact(artifact, data, out, stage, site=site_in_force())
    click.echo(out / "report.html")


@main.command()
@click.argument("name", type=click.Choice(["world", "protocol"]))
@click.option("--world", default="a", show_default=True, help="Which simulated world.")
@click.option("--processes", default=2, show_default=True, help="How many simulate rows for the oracles.")
@click.option("--out", type=_PATH, required=True, help="Folder of the study; an interrupted one goes on.")
def study(name: str, world: str, processes: int, out: Path) -> None:
    """Compare the methods in a simulated world with its oracles, or run the paper's protocol at its size."""
    from models.simulation.world import UnknownWorld
    from models.studies.named import run_study

    with told(UnknownWorld, ValueError), stages() as stage:
        click.echo(run_study(name, world, out, stage, processes=processes))


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
    from waitress import serve as listen

    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        listen(app, host=settings.host, port=settings.port, threads=8, ident="endwatch")
    except OSError as error:
        raise click.ClickException(
            f"{settings.host}:{settings.port}: {error.strerror}; choose another --port."
        ) from None


if __name__ == "__main__":
    main()
