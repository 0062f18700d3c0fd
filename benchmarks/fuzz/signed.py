"""Calls of an EHR that signs them, to a service in production: right tokens, and such with one odd member."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from benchmarks.fuzz.changes import ODD
from cds_service.settings import FhirServer, Settings
from tests.conformance.signing import EC_KEY, ISS, PUBLIC, Signer
from tests.fakes import BASE

_HEAD = {"alg": "ES384", "typ": "JWT", "kid": "ec"}
_MEMBERS = ("alg", "typ", "kid", "jku", "crit", "b64", "iss", "aud", "exp", "iat", "nbf", "jti", "tenant", "sub")
ODD_MEMBERS = st.dictionaries(st.sampled_from(_MEMBERS), ODD, min_size=1, max_size=1)
"""One member of a token and what it is instead."""


def production(folder: Path) -> Settings:
    """A service that takes calls of this EHR alone; its keys and its database stand in a folder."""
    return Settings(**Signer(folder).production(fhir_servers=(FhirServer(base=BASE, auth="none"),)))


def header(path: str, odd: Mapping[str, Any]) -> dict[str, str]:
    """The Authorization header of a call, well signed whatever is in the token."""
    now = int(time.time())
    claims = {"iss": ISS, "aud": f"{PUBLIC}{path}", "exp": now + 300, "iat": now, "jti": str(uuid4())}
    head = _HEAD | {name: value for name, value in odd.items() if name in _MEMBERS[:6]}
    claims |= {name: value for name, value in odd.items() if name not in _MEMBERS[:6]}
    text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
    signature = ECAlgorithm(ECAlgorithm.SHA384).sign(text.encode(), EC_KEY)
    return {"Authorization": f"Bearer {text}.{_encoded(signature)}"}


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
