"""An EHR that signs its calls: real keys, and the settings of a production service that trusts it."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cds_service.settings import FhirServer, Issuer
from tests.fakes import BASE

ISS, JKU, PUBLIC = "https://ehr.example", f"{BASE}/jwks", "http://127.0.0.1:8000"
EC_KEY = ec.generate_private_key(ec.SECP384R1())
OTHER_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(key: Any, kid: str) -> dict[str, Any]:
    """The public half of a key, as a JWK Set lists it."""
    kinds = jwt.algorithms
    kind: Any = kinds.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else kinds.ECAlgorithm
    return json.loads(kind(kind.SHA384).to_jwk(key.public_key())) | {"kid": kid}


@dataclass(frozen=True)
class Signer:
    """One issuer, whose keys stand in a file below ``folder``."""

    folder: Path

    def production(self, **changed: Any) -> dict[str, Any]:
        """Settings of a production service that trusts this issuer alone."""
        file = self.folder / "jwks.json"
        file.write_text(json.dumps({"keys": [public_jwk(EC_KEY, "ec"), public_jwk(RSA_KEY, "rsa")]}))
        whole = {
            "mode": "production", "simulated_risk": "show", "public_base_url": PUBLIC,
            "fhir_servers": (FhirServer(base=BASE),),
            "issuers": (Issuer(iss=ISS, jwks_file=file),),
            "database_url": f"sqlite:///{self.folder / 'endwatch.sqlite'}",
        }  # fmt: skip
        return whole | changed

    def header(
        self, path: str, *, key: Any = EC_KEY, algorithm: str = "ES384", kid: str = "ec",
        headers: dict[str, Any] | None = None, **claims: Any,
    ) -> dict[str, str]:  # fmt: skip
        """An Authorization header for a path; a claim that is None is left out."""
        now = int(time.time())
        whole = {"iss": ISS, "aud": f"{PUBLIC}{path}", "exp": now + 300, "iat": now, "jti": str(uuid4())} | claims
        given = {name: value for name, value in whole.items() if value is not None}
        head = {"kid": kid, "typ": "JWT"} | (headers or {})
        return {"Authorization": f"Bearer {jwt.encode(given, key, algorithm=algorithm, headers=head)}"}
