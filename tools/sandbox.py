"""`make sandbox`: HAPI FHIR and the service in test mode, with the demo patients, for the CDS Hooks Sandbox.

The Sandbox is a page in a browser that calls both from an https origin. Here HAPI answers every search
anew: its cache would show the page's own prefetch as it was a minute ago.
"""

from datetime import UTC, datetime
from urllib.parse import urlencode

import click

from cds_service.app import Application, create_app
from cds_service.demo.load import load
from cds_service.demo.patients import demo_patient, demo_patients, request_for, shift
from cds_service.hooks.services import SERVICE_ID
from cds_service.limits.listening import server_for
from cds_service.outbound.session import OutboundError, new_session
from cds_service.settings import SANDBOX, FhirServer, Settings
from cds_service.terminal import settings_in_force, told
from tools.hapi import NoHapi, hapi

REMARK = (
    'Recent browsers ask before an https page calls this machine: allow it ("local network access"), or the page\n'
    "shows no patient and no service. Safari calls no http address from an https page."
)


def link(service: str, fhir: str, patient: str) -> str:
    """The Sandbox with this service, this FHIR server and this patient's chart open."""
    said = {"serviceDiscoveryURL": f"{service}/cds-services", "fhirServiceUrl": fhir, "patientId": patient}
    return f"{SANDBOX}/?{urlencode(said)}"


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port of the service on 127.0.0.1.")
@click.option("--fhir-port", default=8080, show_default=True, help="Port of HAPI FHIR on 127.0.0.1.")
@click.option(
    "--patient",
    type=click.Choice([one.id for one in demo_patients()]),
    default="demo-flagged",
    show_default=True,
    metavar="ID",
    help="Whose chart is open at first.",
)
def main(port: int, fhir_port: int, patient: str) -> None:
    """Serve a sandbox for people on this machine. Ctrl-C ends it."""
    click.echo("Starting HAPI FHIR (built first, where it is not there) and the model ...", err=True)
    words = (f"port={fhir_port}", "reuse=off", f"cors={SANDBOX}")
    with told(NoHapi, OutboundError, OSError), hapi(*words) as fhir:
        settings = _settings(port, fhir)
        with new_session() as session:
            for _ in load(fhir, settings, session, datetime.now(UTC)):
                pass
        app = create_app(settings)
        _warm_up(app, fhir, patient)
        server = server_for(app, settings)
        _tell(settings.public_base_url, fhir, patient)
        server.run()


def _settings(port: int, fhir: str) -> Settings:
    return settings_in_force(
        mode="test",
        host="127.0.0.1",
        port=port,
        public_base_url=f"http://127.0.0.1:{port}",
        fhir_servers=(FhirServer(base=fhir, auth="none", profile="hapi"),),
    )


def _warm_up(app: Application, fhir: str, patient: str) -> None:
    """Open the chart once: the first searches of a fresh HAPI take longer than a call has."""
    chosen = demo_patient(patient)
    body = request_for(chosen, shift(chosen.bundle, datetime.now(UTC)), with_prefetch=False, fhir_server=fhir)
    app.test_client().post(f"/cds-services/{SERVICE_ID}", json=body)


def _tell(service: str, fhir: str, patient: str) -> None:
    click.echo(f"FHIR server   {fhir}\nCDS Hooks     {service}/cds-services\nRecent calls  {service}/calls")
    click.echo(f"Patients      {', '.join(one.id for one in demo_patients())}")
    click.echo(f"\n{link(service, fhir, patient)}\n\n{REMARK}")


if __name__ == "__main__":
    main()
