"""The command of `endwatch` that tries any CDS Hooks service: check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cds_service.terminal import told

if TYPE_CHECKING:
    from cds_service.check.recording import Place
    from cds_service.check.signing import Signer
    from cds_service.outbound.session import Session

_ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # known, so that no service is told it
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("url")
@click.option("--service", metavar="ID", help="Which service of the URL; the first of patient-view by default.")
@click.option("--request", type=_FILE, help="A request (JSON) that has to give cards.")
@click.option("--key", type=_FILE, help="The EHR's private key (PEM or JWK): calls are signed.")
@click.option("--iss", help="The EHR as the service knows it; needed with --key.")
@click.option("--jku", metavar="URL", help="Where the service may fetch the public key.")
@click.option("--kid", help="The key's id; the JWK's own, else its thumbprint, by default.")
@click.option("--ca-file", type=_FILE, help="The authorities (PEM) that alone vouch for the service's certificate.")
@click.option("--test-fhir", is_flag=True, help="Start a FHIR server that records what it is asked.")
@click.option("--fhir-host", metavar="ADDRESS", help="Where it listens, for anybody; 127.0.0.1 by default.")
@click.option("--fhir-port", type=click.IntRange(0, 65535), help="Its port; any by default.")
@click.option("--fhir-base", metavar="URL", help="How the service reaches it, where that is by another address.")
@click.option("--origin", metavar="URL", help="A browser's origin that the service allows; the Sandbox's by default.")
@click.option("--timeout", "seconds", type=click.FloatRange(0.1, 60), default=10.0, show_default=True, help="A call's.")
@click.option("--json", "raw", is_flag=True, help="The same as a list of objects.")
@click.pass_context
def check(
    context: click.Context, url: str, *, service: str | None, request: Path | None, key: Path | None, iss: str | None,
    jku: str | None, kid: str | None, ca_file: Path | None, test_fhir: bool, fhir_host: str | None,
    fhir_port: int | None, fhir_base: str | None, origin: str | None, seconds: float, raw: bool,
) -> None:  # fmt: skip
    """Try the requirements of CDS Hooks on the service at URL; the exit status is 1 where a SHALL fails.

    Cards that come get feedback, which the service may keep: best tried where nobody is treated.
    """
    from cds_service.check.asking import RequestFault, request_from
    from cds_service.check.caller import Caller
    from cds_service.check.page import as_objects, show
    from cds_service.check.run import NoBase, base_of, findings
    from cds_service.check.seen import Choices
    from cds_service.check.signing import KeyFault

    fhir = _place(fhir_host, fhir_port, fhir_base, wanted=test_fhir)
    with told(RequestFault, KeyFault, NoBase, OSError):
        base = base_of(url)
        caller = Caller(_session(base, ca_file), base, _signer(key, iss, jku, kid), seconds)
        choices = Choices(service, request_from(request) if request else None, origin)
        found = findings(caller, choices, fhir=fhir)
    if raw:
        click.echo(json.dumps(as_objects(found), indent=2))
    else:
        show(found)
    context.exit(int(any(one.breaks for one in found)))


def _signer(key: Path | None, iss: str | None, jku: str | None, kid: str | None) -> Signer | None:
    from cds_service.check.signing import signer_from

    if key is None and iss is None and jku is None and kid is None:
        return None
    if key is None or iss is None:
        raise click.UsageError("--key and --iss go together; --jku and --kid need both")
    return signer_from(key, iss, jku, kid)


def _session(base: str, ca_file: Path | None) -> Session:
    from cds_service.outbound.authorities import file_fault, starts_of
    from cds_service.outbound.session import new_session

    if ca_file is None:
        return new_session()
    if fault := file_fault(ca_file):
        raise click.UsageError(f"--ca-file {fault}")
    return new_session(authorities=[(start, ca_file) for start in starts_of(base)])


def _place(host: str | None, port: int | None, base: str | None, *, wanted: bool) -> Place | None:
    """Where the FHIR server listens, if one is wanted."""
    from cds_service.check.recording import Place
    from cds_service.check.run import NoBase, base_of

    if not wanted:
        if (host, port, base) != (None, None, None):
            raise click.UsageError("--fhir-host, --fhir-port and --fhir-base go with --test-fhir")
        return None
    if host in _ANY_ADDRESS and base is None:
        raise click.UsageError(f"--fhir-host {host} takes --fhir-base, the URL by which the service reaches it")
    with told(NoBase):
        return Place(host or "127.0.0.1", port or 0, base_of(base) if base else None)
