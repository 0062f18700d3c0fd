"""The `endwatch` command. Heavy libraries are imported by the commands that need them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cds_service.app import Application
    from cds_service.settings import Settings

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
    with _told(EmbeddedServerError, OutboundError), embedded_server(session) as fhir:
        settings = _settings(
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
    settings = _settings(**given)
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

    settings = _settings()
    with _told(HostNotNamed, OutboundError):
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
    with _told(UnknownPatient, Refused):
        answer = replay(what, as_of)
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if raw else as_text(answer))


@main.command()
@click.option("--patients", type=click.IntRange(1), required=True, help="How many.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--world", default="a", show_default=True, help="Which simulated world.")
@click.option("--out", type=_PATH, required=True, help="Folder to write to.")
def simulate(patients: int, seed: int, world: str, out: Path) -> None:
    """Write simulated patients as FHIR NDJSON, with their truth in a file of its own."""
    from models.simulation.cohort import simulate as write
    from models.simulation.world import UnknownWorld

    with _told(UnknownWorld), _progress("Simulating") as progress:
        write(patients, seed, world, out, progress)


@main.command()
@click.option("--config", type=_FILE, required=True, help="Training configuration (TOML).")
@click.option("--data", type=_FOLDER, required=True, help="Folder of FHIR NDJSON.")
@click.option("--out", type=_PATH, required=True, help="Folder of the artifact to write.")
def train(config: Path, data: Path, out: Path) -> None:
    """Train an artifact on a cohort in FHIR NDJSON."""
    from models.training.cohort import CohortError
    from models.training.train import train as fit

    with _told(CohortError), _progress("Reading charts") as progress:
        fit(config, data, out, progress)


@main.command()
@click.option("--artifact", type=_FOLDER, help="Folder of the artifact; the shipped one by default.")
@click.option("--data", type=_FOLDER, required=True, help="Folder of FHIR NDJSON.")
@click.option("--out", type=_PATH, help="File to write the figures to; printed by default.")
def evaluate(artifact: Path | None, data: Path, out: Path | None) -> None:
    """Evaluate an artifact on a cohort in FHIR NDJSON."""
    from models.errors import ArtifactError
    from models.training.cohort import CohortError
    from models.training.evaluate import evaluate as judge

    with _told(ArtifactError, CohortError), _progress("Reading charts") as progress:
        figures = judge(artifact, data, out, progress)
    if out is None:
        click.echo(json.dumps(figures, indent=2))


@main.command()
def settings() -> None:
    """List every setting with its environment variable, value and meaning."""
    from cds_service.settings import PREFIX

    held = _settings()
    for name, field in type(held).model_fields.items():
        value = getattr(held, name)
        shown = "(set; not shown)" if name == "database_url" and "@" in str(value) else value
        click.echo(f"{PREFIX}{name.upper()} = {shown}\n    {field.description}")


def _settings(**given: Any) -> Settings:
    from cds_service.settings import SettingsError, load_settings

    with _told(SettingsError):
        return load_settings(**given)


def _started(make: Callable[[], Application]) -> Application:
    """The application, or one sentence saying which setting keeps it from starting."""
    from cds_service.settings import SettingsError
    from models.errors import ArtifactError

    with _told(SettingsError, ArtifactError):
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


@contextmanager
def _told(*kinds: type[Exception]) -> Iterator[None]:
    """Errors of these kinds end the command with their sentence, without a trace."""
    try:
        yield
    except kinds as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def as_text(answer: dict[str, Any]) -> str:
    """Cards as a reader of plain text sees them."""
    cards = answer["cards"]
    if not cards:
        return "No card: the patient is outside the intended population."
    return "\n\n".join(
        f"[{card['indicator']}] {card['summary']}\n\n{card['detail']}\n\nSource: {card['source']['label']}"
        for card in cards
    )


if __name__ == "__main__":
    main()
