"""The one key that may have signed a token, from its issuer's set."""

from collections.abc import Mapping
from typing import Any

import jwt

from cds_service.errors import NotAuthenticated
from cds_service.hooks.key_sources import KeySet, KeySource

_KINDS = {"E": "EC", "R": "RSA"}


def key_for(source: KeySource, kid: str, algorithm: str, until: float) -> jwt.PyJWK:
    """The key of this ``kid`` that is meant for this algorithm; an unknown kid is looked up anew.

    RSA keys often name no algorithm, and serve the token's. Keys are waited for until a `time.monotonic`
    moment. Raises `NotAuthenticated`.
    """
    named = _named(source.current(until), kid) or _named(source.renewed(until), kid)
    if not named:
        raise NotAuthenticated("kid-unknown")
    fitting = [key for at, key in enumerate(named) if _fits(key, algorithm) and key not in named[:at]]
    if len(fitting) != 1:
        raise NotAuthenticated("kid-ambiguous" if fitting else "key-does-not-fit")
    try:
        return jwt.PyJWK(dict(fitting[0]), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise NotAuthenticated("key-not-usable") from None


def _named(keys: KeySet, kid: str) -> KeySet:
    return tuple(key for key in keys if key.get("kid") == kid)


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """True for a public key of the algorithm's kind, meant for signatures; a private one in a set is everybody's."""
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == _KINDS[algorithm[0]]
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in key
    )
