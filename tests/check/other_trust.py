"""Whom the other service trusts, and the fault that may be planted in it."""

import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from flask import request

Json = dict[str, Any]
Change = Callable[[Json], None]
PREFIX = "/deep/path"
ISS = "https://ehr.example"
_CLAIMS = ("iss", "aud", "exp", "iat", "jti")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a service: a changed discovery or answer, or a name that its code looks for."""

    name: str = ""
    discovery: Change | None = None
    answer: Change | None = None


@dataclass
class Refused(Exception):
    """The status of a refusal, and what it was for."""

    status: int
    why: str = ""


@dataclass
class Trusting:
    """A service that verifies tokens; the name of a fault of trust stands alone, or after where it is."""

    fault: Fault = field(default_factory=Fault)
    public: Any = None
    root: str = ""
    seen: set[str] = field(default_factory=set)

    def has(self, name: str, path: str = "") -> bool:
        """True where this is the planted fault: everywhere, or at one of feedback and discovery."""
        where = {"/cds-services": "discovery"}.get(path, "feedback" if path.endswith("/feedback") else "call")
        return self.fault.name in (name, f"{where} {name}") if path else self.fault.name == name

    def trust(self, path: str) -> None:
        """Raises `Refused` with 401 for a call that does not prove its EHR."""
        if self.public is None:
            return
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token and self.has("open", path):
            return
        try:
            self._verify(token, path)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Refused(403 if self.has("403", path) else 401, str(error)) from None

    def _verify(self, token: str, path: str) -> None:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if header.get("typ") != "JWT" and not self.has("typ", path):
            raise ValueError("typ")
        if header.get("kid") not in ("k1", None if self.has("kid missing", path) else "k1") and not self.has(
            "any kid", path
        ):
            raise ValueError("kid")
        if self.has("crash without jku", path) and "jku" not in header:
            raise Refused(500)
        if header.get("jku") not in (None, f"{self.root}/keys"):
            self._stranger(header["jku"], path)
        checked = not (self.has("signature", path) or (self.has("none", path) and algorithm == "none")
                       or (self.has("HS256", path) and algorithm == "HS256"))  # fmt: skip
        claims = jwt.decode(
            token, self.public, algorithms=["ES384", "RS384"],
            options={"verify_signature": checked, "verify_aud": False, "verify_exp": not self.has("exp", path)},
        )  # fmt: skip
        self._claims(claims, path)

    def _stranger(self, jku: str, path: str) -> None:
        if self.has("fetches jku", path):
            urllib.request.urlopen(jku, timeout=5).close()  # noqa: S310
        if not self.has("any jku", path):
            raise ValueError("jku")

    def _claims(self, claims: Json, path: str) -> None:
        url = f"{self.root}{PREFIX}{path}"
        listed = isinstance(claims.get("aud"), list)
        audience = claims["aud"] if listed else [claims.get("aud")]
        missing = [name for name in _CLAIMS if name not in claims]
        faulty = {
            "aud list": listed and self.has("aud list", path),
            "missing": bool(missing) and not self.has(f"without {missing[0]}", path),
            "aud": url not in audience and not self.has("aud", path) and "aud" not in missing,
            "iss": claims.get("iss", ISS) != ISS and not self.has("iss", path),
            "nbf": "nbf" in claims and self.has("extra claims", path),
            "jti": claims.get("jti") in self.seen and not self.has("replay", path),
        }
        if wrong := [name for name, is_wrong in faulty.items() if is_wrong]:
            raise ValueError(wrong[0])
        self.seen.add(claims.get("jti", ""))
