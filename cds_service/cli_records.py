"""The command of `endwatch` about what is kept: purge."""

from __future__ import annotations

import click

from cds_service.terminal import settings_in_force, told


@click.command()
@click.option("--dry-run", is_flag=True, help="Count only; remove nothing.")
@click.option("--unreadable", is_flag=True, help="Also predictions that no key of ENDWATCH_PREDICTION_KEY reads.")
def purge(*, dry_run: bool, unreadable: bool) -> None:
    """Remove audit files, feedback, predictions and seen tokens that are older than their retention."""
    from datetime import UTC, datetime

    from cds_service.record.keeping import prediction_keys
    from cds_service.record.purge import purge as remove
    from cds_service.record.store import StoreError
    from cds_service.settings import SettingsError

    settings = settings_in_force()
    with told(SettingsError, StoreError, OSError):
        keys = prediction_keys(settings) if unreadable else None
        for kind, count in remove(settings, datetime.now(UTC), keys=keys, dry_run=dry_run).items():
            click.echo(f"{kind:12} {count:8} {'would be ' if dry_run else ''}removed")
