"""A token server at the transport that checks as a strict one does, before a FHIR server that takes only its tokens."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jwt
import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cds_service.settings import Backend, FhirServer
from tests import builders as b
from tests.cds_service.calls import prefetch
from tests.conformance.signing import EC_KEY, RSA_KEY
from tests.fakes import BASE, Answer, FakeFhir

CLIENT, TOKEN_URL = "endwatch-1", f"{BASE}/token"
KEYS = {"ec-1": (EC_KEY, "ES384"), "rsa-1": (RSA_KEY, "RS384")}
"""Ours, by kid."""

DETAIL = "described-by-the-token-server"
_NEEDED = {"grant_type", "scope", "client_assertion_type", "client_assertion"}
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class RefusedError(Exception):
    """What the server finds wrong with a request, as an error code of RFC 6749, 5.2."""


def key_file(folder: Path, kid: str = "ec-1") -> Path:
    """Our private key in a PEM file."""
    path = folder / f"{kid}.pem"
    path.write_bytes(KEYS[kid][0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def backend(folder: Path, kid: str = "ec-1", **changed: Any) -> Backend:
    """Our registration at the server."""
    whole = {
        "client_id": CLIENT, "key_file": key_file(folder, kid), "kid": kid, "algorithm": KEYS[kid][1],
        "token_url": TOKEN_URL,
    }  # fmt: skip
    return Backend(**(whole | changed))


def entry(folder: Path, **changed: Any) -> FhirServer:
    """The FHIR server of this token server, as the settings list it."""
    return FhirServer(base=BASE, auth="backend", backend=backend(folder, **changed))


@dataclass
class TokenServer:
    """Grants one token after the other; what it answers may be ``told`` to it, and a gate may hold it back.

    ``valid`` are the tokens that the FHIR server takes.
    """

    lives_s: Any = 300
    scope: str | None = None
    told: Answer | Exception | None = None
    granted: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    asked: list[requests.PreparedRequest] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def fhir(self, **changed: Any) -> FakeFhir:
        """A FHIR server that answers the whole chart of `calls.prefetch`, and is its own token server."""
        sent = prefetch()
        chart: dict[str, Any] = {
            f"Patient/{b.PATIENT_ID}": sent["patient"], "Encounter": sent["encounters"],
            "Condition": sent["conditions"], "Procedure": sent["procedures"], "Observation": sent["nihss"],
            "DiagnosticReport": sent["reports"], "MedicationRequest": sent["medications"],
            "MedicationAdministration": sent["administrations"],
        }  # fmt: skip
        guarded = {path: self.guarded((200, body)) for path, body in (chart | changed).items()}
        smart = {"token_endpoint": TOKEN_URL}
        return FakeFhir({**guarded, "token": self.answer, ".well-known/smart-configuration": (200, smart)})

    def guarded(self, answer: Answer) -> Any:
        """The same answer for those who bring a token that counts; 401 for all else."""

        def given(request: requests.PreparedRequest) -> Answer:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            return answer if scheme == "Bearer" and token in self.valid else (401, {"token": DETAIL})

        return given

    def answer(self, request: requests.PreparedRequest) -> Answer:
        """A token, or why not."""
        self.asked.append(request)
        assert self.gate.wait(10)
        if isinstance(self.told, Exception):
            raise self.told
        if self.told is not None:
            return self.told
        try:
            form = _form(request)
            self._check(form["client_assertion"])
        except (RefusedError, jwt.PyJWTError) as error:
            code = str(error) if isinstance(error, RefusedError) else "invalid_client"
            return 400, {"error": code, "error_description": DETAIL}
        self.granted.append(f"granted-{len(self.granted) + 1}-{DETAIL}")
        self.valid.add(self.granted[-1])
        answer = {"access_token": self.granted[-1], "token_type": "bearer", "expires_in": self.lives_s}
        return 200, answer | {"scope": self.scope or form["scope"]}

    def _check(self, assertion: str) -> None:
        """SMART App Launch 2.2, "Backend Services": header, claims, signature, and each ``jti`` once."""
        header = jwt.get_unverified_header(assertion)
        key, algorithm = KEYS.get(header.get("kid", ""), (None, None))
        if key is None or header != {"alg": algorithm, "kid": header["kid"], "typ": "JWT"}:
            raise RefusedError("invalid_client")
        claims = jwt.decode(
            assertion, key.public_key(), algorithms=[algorithm], audience=TOKEN_URL, issuer=CLIENT, subject=CLIENT,
            options={"require": ["iss", "sub", "aud", "exp", "jti"], "strict_aud": True},
        )  # fmt: skip
        if claims["exp"] - time.time() > 300 or claims["jti"] in self.seen:
            raise RefusedError("invalid_client")
        self.seen.add(claims["jti"])


def _form(request: requests.PreparedRequest) -> dict[str, str]:
    """What was posted, each field once and none besides."""
    pairs = parse_qsl(request.body, strict_parsing=True) if isinstance(request.body, bytes) else []
    form = {name.decode(): value.decode() for name, value in pairs}
    as_said = (
        request.method == "POST"
        and request.headers.get("Content-Type") == "application/x-www-form-urlencoded"
        and "Authorization" not in request.headers
        and len(pairs) == len(form)
        and set(form) == _NEEDED
    )
    if not as_said or form["client_assertion_type"] != _ASSERTION:
        raise RefusedError("invalid_request")
    if form["grant_type"] != "client_credentials":
        raise RefusedError("unsupported_grant_type")
    return form


def claims_of(request: requests.PreparedRequest) -> dict[str, Any]:
    """What an assertion says, unproved."""
    return jwt.decode(_form(request)["client_assertion"], options={"verify_signature": False})


def private_jwk(kid: str = "ec-1") -> dict[str, Any]:
    """Our private key as a JWK."""
    key, algorithm = KEYS[kid]
    kind: Any = jwt.algorithms.RSAAlgorithm if algorithm == "RS384" else jwt.algorithms.ECAlgorithm
    told: dict[str, Any] = json.loads(kind.to_jwk(key))
    return told | {"kid": kid}
