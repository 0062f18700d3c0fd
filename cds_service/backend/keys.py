"""Our private keys at token servers, and what is public of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from cds_service.settings import Backend, Settings

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey
LEAST_RSA_BITS = 2048
"""NIST SP 800-131A."""

_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
"""What a JWK of a public EC or RSA key holds (RFC 7518, 6.2.1 and 6.3.1)."""


class UnusableKeyError(ValueError):
    """A key file is not what its entry says; tells why, and nothing of the key."""


@dataclass(frozen=True)
class SigningKey:
    """A private key under the name by which a token server knows it."""

    kid: str
    algorithm: str
    private: PrivateKey = field(repr=False)

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK Set lists it."""
        public = self.private.public_key()
        kind: Any = RSAAlgorithm if isinstance(self.private, RSAPrivateKey) else ECAlgorithm
        told = kind.to_jwk(public, as_dict=True)
        return {name: told[name] for name in _PUBLIC if name in told} | {
            "kid": self.kid, "alg": self.algorithm, "use": "sig",
        }  # fmt: skip


def signing_key(backend: Backend) -> SigningKey:
    """The key in an entry's file. Raises `UnusableKeyError`."""
    data = _bytes_of(backend.key_file)
    key = _pem(data) if data.lstrip().startswith(b"-----BEGIN") else _jwk(data, backend)
    if not _fits(key, backend.algorithm):
        raise UnusableKeyError(f"holds no private key for {backend.algorithm}")
    return SigningKey(backend.kid, backend.algorithm, key)


def signing_keys(settings: Settings) -> tuple[SigningKey, ...]:
    """Every key of the settings. Raises `UnusableKeyError`."""
    return tuple(signing_key(entry.backend) for entry in settings.fhir_servers if entry.backend is not None)


def public_set(keys: Iterable[SigningKey]) -> dict[str, list[dict[str, str]]]:
    """The JWK Set (RFC 7517, 5) of the public halves, each once."""
    told = [key.public_jwk() for key in keys]
    return {"keys": [jwk for at, jwk in enumerate(told) if jwk not in told[:at]]}


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise UnusableKeyError("cannot be read") from None


def _pem(data: bytes) -> Any:
    try:
        return load_pem_private_key(data, password=None)
    except TypeError:
        raise UnusableKeyError("is locked by a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKeyError("holds no private key") from None


def _jwk(data: bytes, backend: Backend) -> Any:
    try:
        told = json.loads(data)
        key = jwt.PyJWK(told, algorithm=backend.algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        raise UnusableKeyError("holds neither a PEM nor a JWK key") from None
    if told.get("kid", backend.kid) != backend.kid:
        raise UnusableKeyError("holds a key of another kid")
    return key


def _fits(key: Any, algorithm: str) -> bool:
    """True for a private key of the algorithm: ES384 is P-384 and nothing else (RFC 7518, 3.4)."""
    if algorithm == "ES384":
        return isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP384R1)
    return isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS
