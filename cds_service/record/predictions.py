"""The prediction store: what was concluded from what, encrypted, for the patient page and for later outcomes.

It is off unless the site gives a key. In clear stand the time, the ``hookInstance``, the artifact's
hash and keyed hashes; patient, encounter, inputs and conclusion are readable only with the key.
"""

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cds_service.record.store import PredictionRow, insert_once
from fhir_mappings.inputs import ModelInputs
from models.prediction import Prediction

_LOG = logging.getLogger(__name__)
_FORM = re.compile(r"[A-Za-z0-9_-]{43}=")


class PredictionKeyError(ValueError):
    """A key is no Fernet key, or one is lacking; never repeats a key."""


@dataclass(frozen=True)
class PredictionKey:
    """One key: what it encrypts with, what its hashes of patients are made with, and its own name."""

    fernet: Fernet = field(repr=False)
    lookup: bytes = field(repr=False)
    id: str

    def patient(self, server: str | None, patient_id: str) -> str:
        """What stands for a patient of a FHIR server in the clear."""
        return hmac.new(self.lookup, f"{server or ''}\n{patient_id}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class StoredPrediction:
    """One conclusion as it was shown. ``inputs`` and ``prediction`` are None where there were none."""

    hook_instance: str
    server: str | None
    patient_id: str
    encounter_id: str | None
    as_of: datetime
    kind: str
    code: str
    reason: str
    inputs: ModelInputs | None
    prediction: Prediction | None
    artifact: str


_PAYLOAD = TypeAdapter(StoredPrediction)


@dataclass(frozen=True)
class Predictions:
    """Where conclusions are kept; without keys nowhere."""

    engine: Engine
    keys: tuple[PredictionKey, ...] = ()

    def keep(self, stored: StoredPrediction) -> None:
        """Store one conclusion, the first of a call. What fails costs the row, and is logged without its content."""
        if not self.keys:
            return
        try:
            row = _row(stored, self.keys[0])
            with self.engine.begin() as connection:
                insert_once(connection, PredictionRow, row)
        except (SQLAlchemyError, ValueError) as error:  # a lone surrogate in a report is no UTF-8
            _LOG.error("prediction lost: %s (%s)", stored.hook_instance, type(error).__name__)


def _row(stored: StoredPrediction, key: PredictionKey) -> dict[str, Any]:
    return {
        "as_of": stored.as_of,
        "hook_instance": stored.hook_instance,
        "artifact": stored.artifact,
        "key_id": key.id,
        "patient": key.patient(stored.server, stored.patient_id),
        "payload": key.fernet.encrypt(_PAYLOAD.dump_json(stored)),
    }


def keys_from(text: str) -> tuple[PredictionKey, ...]:
    """The keys in a setting, parted by commas: the first encrypts, all read. Raises `PredictionKeyError`."""
    return tuple(_key(part.strip()) for part in text.split(","))


def _key(text: str) -> PredictionKey:
    if not _FORM.fullmatch(text):  # what is no base64 would be passed over, a second key with it
        raise PredictionKeyError("each key has to be a Fernet key: 32 bytes as URL-safe base64")
    raw = base64.urlsafe_b64decode(text)
    return PredictionKey(Fernet(text), _derived(raw, "patient"), _derived(raw, "name").hex()[:16])


def _derived(raw: bytes, purpose: str) -> bytes:
    return hmac.new(raw, f"endwatch predictions: {purpose}".encode(), hashlib.sha256).digest()


def demand_keys(engine: Engine, keys: Iterable[PredictionKey]) -> None:
    """Nothing, where these keys read all that is stored. Raises `PredictionKeyError` where one is lacking."""
    with Session(engine) as session:
        used = set(session.scalars(select(PredictionRow.key_id).distinct()))
    if used - {key.id for key in keys}:
        raise PredictionKeyError(
            "stored predictions need a key that is not given: add it behind the first one, "
            "or remove them with `endwatch purge --unreadable`"
        )


def read_predictions(
    engine: Engine, keys: Sequence[PredictionKey], server: str | None, patient_id: str
) -> tuple[StoredPrediction, ...]:
    """A patient's stored conclusions, oldest first: the course for the patient page, the risk for later outcomes.

    ``server`` is the listed base of the FHIR server, or None for calls that named none. Rows that
    cannot be read (another version's, or damaged) are left out and logged.
    """
    by_id = {key.id: key for key in keys}
    patient = [key.patient(server, patient_id) for key in keys]
    asked = select(PredictionRow).where(PredictionRow.patient.in_(patient)).order_by(PredictionRow.as_of)
    with Session(engine) as session:
        rows = session.scalars(asked).all()
    read = [_read(row, by_id.get(row.key_id)) for row in rows]
    return tuple(one for one in read if one and (one.server, one.patient_id) == (server, patient_id))


def _read(row: PredictionRow, key: PredictionKey | None) -> StoredPrediction | None:
    try:
        return _PAYLOAD.validate_json(key.fernet.decrypt(row.payload)) if key else None
    except (InvalidToken, ValidationError) as error:
        _LOG.error("stored prediction %d cannot be read (%s)", row.id, type(error).__name__)
        return None
