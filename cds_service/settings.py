"""Every setting of the service, read from ``ENDWATCH_*`` environment variables."""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fhir_mappings.quirks import DEFAULT_QUIRKS

PREFIX = "ENDWATCH_"
RESERVED = "ENDWATCH_TEST_"
SANDBOX = "https://sandbox.cds-hooks.org"
"""The CDS Hooks Sandbox, as origin and as issuer: its signing key is public, so that its tokens prove nothing."""

URL = (
    r"^(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[!-\"$->@-\[\]-~]*)?)$"
)
Url = Annotated[str, StringConstraints(pattern=URL)]
"""An http or https URL in ASCII (a name in other letters as punycode) without user, query, fragment or backslash."""

Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")]
"""Scheme, host and port of a page as browsers send them; no pattern, and never every page."""


class SettingsError(ValueError):
    """A setting is unknown, wrong or missing; one sentence names it."""


class Backend(BaseModel):
    """How we are registered at a FHIR server's token server: SMART Backend Services.

    ``key_file``: our private key, as PEM or JWK, which the server knows as ``kid``; ``token_url``: unset,
    from the server's own ``.well-known/smart-configuration``; ``scopes``: unset, those of a whole card, in
    the spelling of SMART ``scope_version``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    key_file: Path
    kid: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    algorithm: Literal["ES384", "RS384"]
    token_url: Url | None = None
    scopes: tuple[Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]+$")], ...] = ()
    scope_version: Literal[1, 2] = 2


class FhirServer(BaseModel):
    """One FHIR base that may be called.

    ``issuers`` whose calls may name it (none listed: all), and mean it when they name none and no other
    entry lists them; ``auth``: ``call``, only with the access token of the call, ``none``, also without, or
    ``backend``, with a token of our own; ``allow_http`` in production; ``also_known_as``: other addresses
    that EHRs and browsers give it; ``ca_file``: the only authorities whose certificates count for it and
    its token server; ``profile``: which kind of server it is, and so how it is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: Url
    issuers: tuple[str, ...] = ()
    auth: Literal["call", "none", "backend"] = "call"
    allow_http: bool = False
    also_known_as: tuple[Url, ...] = ()
    backend: Backend | None = None
    ca_file: Path | None = None
    profile: Literal["generic", "hapi", "oracle", "epic", "medplum"] = "generic"


class Issuer(BaseModel):
    """One EHR whose tokens are accepted.

    Its keys are in ``jwks_file`` or behind one of the URLs of ``jku``, which its tokens may name (only
    certificates under ``ca_file`` count there, where it is set);
    ``tenants`` (none listed: any); ``audiences`` that are accepted besides the endpoint called;
    ``repeats``: a token seen before is refused, or accepted again with the same body; ``deadline_ms``: how
    long it waits for a call, where that is not `Settings.deadline_ms`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    iss: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    jwks_file: Path | None = None
    jku: tuple[Url, ...] = ()
    ca_file: Path | None = None
    tenants: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    repeats: Literal["refuse", "same-body"] = "refuse"
    deadline_ms: int | None = Field(None, ge=500, le=60000)


class Settings(BaseSettings):
    """The settings; each field's name in capitals behind ``ENDWATCH_`` is its variable."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    mode: Literal["production", "test", "demo"] = Field(
        "production", description="production; test (loopback, tokens not required); demo (embedded FHIR server)."
    )
    host: str = Field("127.0.0.1", description="Address the service listens on.")
    open_test_mode: bool = Field(
        False, description="Test mode may listen on other addresses than loopback, where it takes anybody's calls."
    )
    port: int = Field(8000, ge=0, le=65535, description="Port the service listens on.")
    public_base_url: Url = Field(
        "http://127.0.0.1:8000", description="URL under which EHRs reach the service; the audience of their tokens."
    )
    fhir_servers: tuple[FhirServer, ...] = Field(
        (),
        description='JSON list of FHIR bases that may be called: [{"base": URL, "issuers": [], "auth": "call", "none" '
        'or "backend", "backend": {...}, "allow_http": false, "also_known_as": [URL], "ca_file": PATH, "profile": '
        '"generic", "hapi", "oracle", "epic" or "medplum"}].',
    )
    issuers: tuple[Issuer, ...] = Field(
        (),
        description='JSON list of EHRs: [{"iss": URL, "jwks_file": PATH or "jku": [URL], "ca_file": PATH, "tenants": '
        '[], "audiences": [], "repeats": "refuse" or "same-body", "deadline_ms": NUMBER}].',
    )
    simulated_risk: Literal["show", "withhold"] | None = Field(
        None, description="What production does with a model trained on simulated patients: show or withhold."
    )
    artifact: Path | None = Field(None, description="Folder of the model; the shipped one if unset.")
    encoder: Path | None = Field(None, description="Folder of the text encoder; the installed package if unset.")
    database_url: str = Field(
        "sqlite:///endwatch.sqlite",
        description="SQLAlchemy URL of feedback and predictions: SQLite (a path, not in memory) or PostgreSQL; in "
        "memory in demo and test.",
    )
    audit_log: Path | None = Field(
        None, description="Folder of the audit log, one file a day; the logger endwatch.audit if unset."
    )
    audit_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Secret that makes the hash of a patient's id in the audit log; without it no patient is in it.",
    )
    audit_days: int = Field(2190, ge=1, le=36500, description="Days after which `endwatch purge` removes audit files.")
    feedback_days: int = Field(365, ge=1, le=36500, description="Days after which `endwatch purge` removes feedback.")
    prediction_key: SecretStr | None = Field(
        None,
        min_length=44,
        description="Fernet key that turns the encrypted store of predictions on; several, parted by commas: the "
        "first encrypts, the others still read.",
    )
    prediction_days: int = Field(
        30, ge=1, le=36500, description="Days after which `endwatch purge` removes predictions."
    )
    deadline_ms: int = Field(2500, ge=500, le=60000, description="Time for a whole call.")
    reserve_ms: int = Field(600, ge=0, le=30000, description="Part of the deadline kept for the model and the card.")
    body_limit_mb: int = Field(20, ge=1, le=200, description="Largest request body.")
    calls_at_once: int = Field(
        8, ge=1, le=200, description="Calls at work at once; as many wait, the others are told to come again (503)."
    )
    cors_origins: tuple[Origin, ...] = Field((), description="JSON list of browser origins allowed by CORS.")
    algorithms: tuple[Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512"], ...] = Field(
        ("ES384", "RS384"), description="JSON list of signature algorithms accepted from EHRs."
    )
    token_minutes: int = Field(
        60, ge=1, le=1440, description="Longest that an EHR's token may live, from its iat to its exp."
    )
    trusted_proxy: IPv4Address | IPv6Address | None = Field(
        None,
        description="Address of the one proxy whose X-Forwarded-Host and X-Forwarded-Proto are believed; it has to set "
        "both.",
    )
    strict_authorization: bool = Field(
        False,
        description="fhirAuthorization without valid token_type, expires_in, scope and subject is 400, not only noted.",
    )
    critical_on_end: bool = Field(False, description="Charted END is critical even if unconfirmed and below 4 points.")
    check_interval_text: str | None = Field(
        None, max_length=120, description="The site's own interval of checks for flagged patients, shown on the card."
    )
    card_language: str = Field(
        "en", description="Language of the cards: en, de, or the path of a TOML file of the site's own."
    )
    date_form: Literal["weekday-24h", "weekday-12h", "day-month", "iso"] = Field(
        "weekday-24h", description="Times on the cards: weekday-24h, weekday-12h, day-month or iso."
    )
    order_intent: Literal["proposal", "plan"] = Field("proposal", description="Intent of suggested ServiceRequests.")
    local_codes: Path | None = Field(
        None, description="Folder of FHIR ConceptMaps (*.json) from the site's own codes to codes that are read."
    )
    quirks: tuple[str, ...] = Field(
        tuple(quirk.__name__ for quirk in DEFAULT_QUIRKS),
        description="JSON list of the server quirks that are mended before reading.",
    )
    text_fallbacks: bool = Field(False, description="Observations without a code of ours count by their name.")
    scores_in_notes: bool = Field(False, description="An NIHSS in the text of a report counts, and the card says so.")
    search_by_category: dict[Literal["nihss", "labs", "vitals"], str] = Field(
        {}, description='JSON object of queries asked by Observation category, not by codes: {"labs": "laboratory"}.'
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log lines.")


def load_settings(environ: Mapping[str, str] | None = None, **given: object) -> Settings:
    """The settings of the environment; ``given`` wins over it.

    Raises `SettingsError` for a name that is no setting (pydantic-settings ignores them) and for a
    value that is wrong, without repeating the value.
    """
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(environ if environ is not None else os.environ):
        if name.upper().startswith(PREFIX) and not name.upper().startswith(RESERVED) and name.upper() not in names:
            raise SettingsError(f"{name} is no setting of endwatch; `endwatch settings` lists them.")
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks what was given
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise SettingsError(f"{PREFIX}{where.upper()}: {fault['msg']}.") from None
    except ValueError:
        raise SettingsError(
            "A setting that has to be JSON is not; `endwatch settings` tells each one's form."
        ) from None


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def proves_nothing(issuer: Issuer) -> bool:
    """True for an issuer that anybody can sign for: it is the CDS Hooks Sandbox, or its keys are the Sandbox's."""
    return any(_host(url) == _host(SANDBOX) for url in (issuer.iss, *issuer.jku))


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0].lower()


def is_loopback(url: str) -> bool:
    """True for a URL of this machine alone."""
    parts = re.match(URL, url)
    return parts is not None and parts["host"].strip("[]").lower() in LOOPBACK


def is_https(url: str) -> bool:
    """True for a URL under TLS."""
    return url.startswith("https://")


def shows_simulated_risk(settings: Settings) -> bool:
    """True where a number of a simulated model may stand on a card."""
    return settings.mode != "production" or settings.simulated_risk == "show"
