"""The command of `endwatch` for those who type prefetch templates into an EHR: prefetch."""

from __future__ import annotations

import json

import click

from cds_service.terminal import site_in_force


@click.command()
@click.option("--json", "raw", is_flag=True, help="The same as a JSON object, as discovery has it.")
def prefetch(*, raw: bool) -> None:
    """Print the prefetch templates as discovery offers them: key, tab, query, one a line."""
    from fhir_mappings.queries import templates

    offered = templates(site_in_force())
    if raw:
        click.echo(json.dumps(offered, indent=2))
        return
    for key, query in offered.items():
        click.echo(f"{key}\t{query}")
