"""The EHR's tokens: right ones, and ones that are wrong in one way each."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Json = dict[str, Any]
PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey
_LIVES_S = 120


class KeyFault(ValueError):
    """A key file is not usable; says why without its content."""


@dataclass(frozen=True)
class Signer:
    """An EHR with its private key; ``jku`` is named in its tokens where it is given."""

    key: PrivateKey
    kid: str
    iss: str
    jku: str | None = None

    @property
    def algorithm(self) -> str:
        """ES384 or RS384, by the type of key."""
        return "RS384" if isinstance(self.key, RSAPrivateKey) else "ES384"

    def claims(self, aud: Any, **changed: Any) -> Json:
        """The claims of a right token for one URL, with what is ``changed``; a claim that is None is left out."""
        now = int(time.time())
        whole = {"iss": self.iss, "aud": aud, "exp": now + _LIVES_S, "iat": now, "jti": str(uuid4())} | changed
        return {name: value for name, value in whole.items() if value is not None}

    def header(self, **changed: Any) -> Json:
        """The protected header of a right token, with what is ``changed``; a member that is None is left out."""
        whole = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, "jku": self.jku} | changed
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, aud: Any, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token signed with the key, whatever its header says."""
        return self._signed(self.key, self.header(**(header or {})), self.claims(aud, **claims))

    def forged(self, aud: str) -> str:
        """A right token, but signed with another key of the same type."""
        is_rsa = isinstance(self.key, RSAPrivateKey)
        other = generate_rsa(public_exponent=65537, key_size=2048) if is_rsa else generate_private_key(SECP384R1())
        return self._signed(other, self.header(), self.claims(aud))

    def tampered(self, aud: str) -> str:
        """A right token whose claims were changed after it was signed."""
        head, _, signature = self.token(aud).split(".")
        return ".".join([head, _encoded(self.claims(aud, sub="somebody-else")), signature])

    def unsigned(self, aud: str) -> str:
        """A token of algorithm ``none``, without a signature."""
        return f"{_encoded(self.header(alg='none'))}.{_encoded(self.claims(aud))}."

    def symmetric(self, aud: str) -> str:
        """A token of HS256 whose secret is the public key, which everybody has."""
        secret = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        text = f"{_encoded(self.header(alg='HS256'))}.{_encoded(self.claims(aud))}"
        return f"{text}.{_base64(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def _signed(self, key: PrivateKey, header: Json, claims: Json) -> str:
        kind = RSAAlgorithm if isinstance(key, RSAPrivateKey) else ECAlgorithm
        text = f"{_encoded(header)}.{_encoded(claims)}"
        return f"{text}.{_base64(kind(kind.SHA384).sign(text.encode(), key))}"  # type: ignore[arg-type]


def signer_from(path: Path, iss: str, jku: str | None = None, kid: str | None = None) -> Signer:
    """The signer of a PEM or JWK file. Raises `KeyFault`.

    ``kid``: the one given, else the JWK's own, else the key's thumbprint (RFC 7638).
    """
    raw = path.read_bytes()
    key, own = _from_jwk(raw) if raw.lstrip().startswith(b"{") else (_from_pem(raw), None)
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name != "secp384r1":
        raise KeyFault("an EC key has to be of the curve P-384")
    return Signer(key, kid or own or thumbprint(key), iss, jku)


def public_jwk(key: PrivateKey) -> Json:
    """The public half of a key as a JWK."""
    if isinstance(key, RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


def thumbprint(key: PrivateKey) -> str:
    """The SHA-256 thumbprint of a key (RFC 7638)."""
    members = {name: value for name, value in public_jwk(key).items() if name in ("kty", "crv", "x", "y", "n", "e")}
    return _base64(hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest())


def _from_pem(raw: bytes) -> PrivateKey:
    try:
        key = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFault("the key file holds no private key that is read (PEM without password, or JWK)") from None
    return _of_a_type(key)


def _from_jwk(raw: bytes) -> tuple[PrivateKey, str | None]:
    try:
        given = json.loads(raw)
        key = jwt.PyJWK(given, algorithm="RS384" if given.get("kty") == "RSA" else "ES384").key
    except (ValueError, TypeError, jwt.PyJWTError):
        raise KeyFault("the key file holds no JWK that is read") from None
    kid = given.get("kid")
    return _of_a_type(key), kid if isinstance(kid, str) else None


def _of_a_type(key: Any) -> PrivateKey:
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise KeyFault("the key has to be the private key of an EC or RSA pair")
    return key


def _encoded(part: Json) -> str:
    return _base64(json.dumps(part).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
