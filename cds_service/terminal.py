"""What the commands share in the terminal: settings, errors told in one sentence, progress, cards as text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cds_service.settings import Settings
    from fhir_mappings.site import Site


def settings_in_force(**given: Any) -> Settings:
    """The settings of the environment, or one sentence saying which one is wrong."""
    from cds_service.settings import SettingsError, load_settings

    with told(SettingsError):
        return load_settings(**given)


def site_in_force() -> Site:
    """How this site writes FHIR, as the settings say."""
    from cds_service.settings import SettingsError
    from cds_service.site import site_of

    with told(SettingsError):
        return site_of(settings_in_force())


@contextmanager
def told(*kinds: type[Exception]) -> Iterator[None]:
    """Errors of these kinds end the command with their sentence, without a trace."""
    try:
        yield
    except kinds as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def stages() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Progress bars on standard error, one a named step."""
    from rich.console import Console
    from rich.progress import Progress, TimeElapsedColumn

    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(file=sys.stderr)) as bars:

        def begin(title: str) -> Callable[[int, int], None]:
            task = bars.add_task(title, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield begin


def as_text(answer: dict[str, Any]) -> str:
    """Cards as a reader of plain text sees them."""
    cards = answer["cards"]
    if not cards:
        return "No card: the patient is outside the intended population."
    return "\n\n".join(
        f"[{card['indicator']}] {card['summary']}\n\n{card['detail']}\n\nSource: {card['source']['label']}"
        for card in cards
    )
