"""endwatch itself, behind a real socket, as anybody's service: no SHALL fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cds_service.app import create_app
from cds_service.check.run import Finding
from cds_service.check.seen import Choices
from cds_service.check.signing import Signer, public_jwk
from cds_service.settings import FhirServer, Issuer, Settings
from tests import builders as b
from tests.cds_service.calls import request
from tests.check.checked import checked, failed, free_port, untried
from tests.check.other_service import ORIGIN
from tests.check.other_trust import ISS
from tests.check.served import listening
from tests.fakes import FakePredictor

KEYS = (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(public_exponent=65537, key_size=2048))
NOT_ON_OUR_CARDS = {
    8: "there are services, or there is no discovery",
    48: "there was guidance",
    55: "no source is one that this is about",  # no icon
    61: "no card is one that this is about",  # several suggestions may be chosen
    65: "no suggestion is one that this is about",  # none is recommended above others
    70: "no action is one that this is about",  # orders are created, nothing is updated or deleted
    71: "no action is one that this is about",
    72: "no card has a link",
    73: "no card has a link",
    74: "no card has a link",
    75: "no systemActions were sent",
    112: "no systemActions were sent",
}
"""What our cards do not have, so that nothing can be said of it."""


def own(signer: Signer | None = None, *, origin: str | None = None, **settings: Any) -> dict[int, Finding]:
    """What is found of our service with these settings, where the FHIR server that records is listed."""
    port, fhir = free_port(), free_port()
    server = FhirServer(base=f"http://127.0.0.1:{fhir}/fhir", auth="none", allow_http=True)
    given = {"fhir_servers": (server,), "public_base_url": f"http://127.0.0.1:{port}"}
    app = create_app(Settings(**(given | settings)), predictor=FakePredictor(), clock=lambda: b.at(6))
    with listening(app, port) as root:
        choices = Choices(request=request(), origin=origin)
        return checked(f"{root}/cds-services", choices, signer=signer, port=fhir)


def test_in_test_mode_nothing_fails_but_the_demand_for_a_token():
    """Test mode demands none, and so says itself; without a key the rows of trust are not tried."""
    found = own(mode="test")
    no_key = dict.fromkeys((17, *range(86, 97)), "give --key, --iss and perhaps --jku")
    assert {85: "without a token, the service answered 200"} == failed(found)
    assert NOT_ON_OUR_CARDS | no_key == untried(found)


@pytest.mark.parametrize("key", KEYS, ids=["ES384", "RS384"])
def test_in_production_nothing_fails(key: Any, tmp_path: Path):
    """With a key that it knows, and a browser's origin that it allows: every row of trust is tried."""
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [public_jwk(key) | {"kid": "k1"}]}))
    issuers = (Issuer(iss=ISS, jwks_file=keys),)
    found = own(Signer(key, "k1", ISS), origin=ORIGIN, mode="production", issuers=issuers, simulated_risk="show",
                cors_origins=(ORIGIN,), database_url=f"sqlite:///{tmp_path / 'endwatch.sqlite'}")  # fmt: skip
    assert ({}, NOT_ON_OUR_CARDS) == (failed(found), untried(found))


def test_a_key_that_it_does_not_know_is_said(tmp_path: Path):
    """A 401 to what should be a right token; nothing more can be tried, and no row of trust passes by it."""
    keys = tmp_path / "jwks.json"
    keys.write_text('{"keys": []}')
    issuers = (Issuer(iss=ISS, jwks_file=keys),)
    found = own(Signer(KEYS[0], "k1", ISS), mode="production", issuers=issuers, simulated_risk="show",
                database_url=f"sqlite:///{tmp_path / 'endwatch.sqlite'}")  # fmt: skip
    assert {17: "with a right token, discovery answered 401"} == failed(found)
    assert "discovery answered 401" == untried(found)[18] == untried(found)[92]
