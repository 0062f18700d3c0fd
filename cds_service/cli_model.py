"""The commands of `endwatch` about the model: simulate, train, evaluate, recalibrate, study, goals.

Heavy libraries are imported by the commands that need them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cds_service.terminal import progress, site_in_force, stages, told

if TYPE_CHECKING:
    from models.simulation.phrasebook import Phrasing

_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
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


@click.command()
@click.option("--config", type=_FILE, required=True, help="Training configuration (TOML).")
@click.option("--data", type=_FOLDER, required=True, help="Folder of FHIR NDJSON.")
@click.option("--out", type=_PATH, required=True, help="Folder of the artifact to write.")
def train(config: Path, data: Path, out: Path) -> None:
    """Train an artifact on a cohort in FHIR NDJSON."""
    from models.training.cohort import CohortError
    from models.training.train import train as fit

    with told(CohortError), stages() as stage:
        fit(config, data, out, stage, site=site_in_force())


@click.command()
@click.option("--artifact", type=_FOLDER, help="Folder of the artifact; the shipped one by default.")
@click.option("--data", type=_FOLDER, required=True, help="Folder of FHIR NDJSON.")
@click.option("--out", type=_PATH, required=True, help="Folder for evaluation.json and report.html.")
def evaluate(artifact: Path | None, data: Path, out: Path) -> None:
    """Evaluate an artifact on a cohort in FHIR NDJSON, beside simple opponents where it was trained on that cohort."""
    from models.errors import ArtifactError
    from models.studies.goals_written import shown_goals
    from models.studies.of_artifact import evaluate_artifact
    from models.training.cohort import CohortError

    with told(ArtifactError, CohortError, ValueError), stages() as stage:
        evaluate_artifact(artifact, data, out, stage, site=site_in_force())
    click.echo(shown_goals(artifact))
    click.echo(out / "report.html")


@click.command()
@click.option("--artifact", type=_FOLDER, help="Folder of the artifact; the shipped one by default.")
@click.option("--outcomes", type=_FILE, required=True, help="CSV: stay, hours, risk (as shown), end (1 or 0).")
@click.option("--out", type=_PATH, required=True, help="New folder for the recalibrated artifact.")
def recalibrate(artifact: Path | None, outcomes: Path, out: Path) -> None:
    """Recalibrate an artifact to a site by what followed the calls that it answered there."""
    from models.artifact import DEFAULT_ARTIFACT
    from models.errors import ArtifactError
    from models.training.site_outcomes import OutcomesError
    from models.training.site_outcomes import recalibrate as fit

    with told(ArtifactError, OutcomesError):
        stage = fit(artifact or DEFAULT_ARTIFACT, outcomes, out).stages[-1]
    click.echo(f"log H' = {stage.intercepts[0]:.3f} + {stage.slopes[0]:.3f} log H, from {stage.rows} calls: {out}")


@click.command()
@click.argument("name", type=click.Choice(["world", "protocol", "hospital"]))
@click.option("--world", default="a", show_default=True, help="Which simulated world.")
@click.option("--processes", default=2, show_default=True, help="How many simulate rows for the oracles.")
@click.option("--out", type=_PATH, required=True, help="Folder of the study; an interrupted one goes on.")
def study(name: str, world: str, processes: int, out: Path) -> None:
    """Compare the methods in a simulated world with its oracles, or run the paper's protocol at its size."""
    from models.simulation.world import UnknownWorld
    from models.studies.named import run_study
    from models.workers import collect_rarely

    collect_rarely()
    with told(UnknownWorld, ValueError), stages() as stage:
        click.echo(run_study(name, world, out, stage, processes=processes))


@click.command()
@click.option("--runs", type=_FOLDER, required=True, help="Folder with the studies of each world, and more.")
@click.option("--artifact", type=_FOLDER, help="Folder of the artifact; the shipped one by default.")
def goals(runs: Path, artifact: Path | None) -> None:
    """Compute the network's goals from its studies, write them into the artifact, and print them."""
    from models.errors import ArtifactError
    from models.studies.goals_written import write_goals

    with told(ArtifactError, ValueError):
        click.echo(write_goals(runs, artifact))


MODEL_COMMANDS = (simulate, train, evaluate, recalibrate, study, goals)
