"""Where this service keeps what it keeps, as the settings say."""

import os

from sqlalchemy import Engine

from cds_service.record.audit import Audit
from cds_service.record.predictions import PredictionKey, PredictionKeyError, Predictions, demand_keys, keys_from
from cds_service.record.store import IN_MEMORY, StoreError, is_in_memory, open_store
from cds_service.settings import PREFIX, Settings, SettingsError


def store_of(settings: Settings) -> Engine:
    """The database, in memory outside production and only there. Raises `SettingsError` where it cannot be opened."""
    if settings.mode != "production":
        return open_store(IN_MEMORY)
    try:
        if is_in_memory(settings.database_url):
            raise StoreError("in memory a token would count once for each worker and each start")
        return open_store(settings.database_url)
    except StoreError as error:
        raise SettingsError(f"{PREFIX}DATABASE_URL: {error}.") from None


def audit_of(settings: Settings) -> Audit:
    """The audit log. Raises `SettingsError` where its folder cannot be written to."""
    folder, key = settings.audit_log, settings.audit_key
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            usable = os.access(folder, os.W_OK | os.X_OK)
        except OSError:
            usable = False
        if not usable:
            raise SettingsError(f"{PREFIX}AUDIT_LOG: {folder} is no folder that can be written to.")
    return Audit(folder, key.get_secret_value().encode() if key else None)


def prediction_keys(settings: Settings) -> tuple[PredictionKey, ...]:
    """The keys of the prediction store; none where it is off. Raises `SettingsError`."""
    given = settings.prediction_key
    try:
        return keys_from(given.get_secret_value()) if given else ()
    except PredictionKeyError as error:
        raise SettingsError(f"{PREFIX}PREDICTION_KEY: {error}.") from None


def predictions_of(settings: Settings, engine: Engine) -> Predictions:
    """The prediction store. Raises `SettingsError` where a key is wrong, or one that is needed is not given."""
    keys = prediction_keys(settings)
    try:
        if keys:
            demand_keys(engine, keys)
    except PredictionKeyError as error:
        raise SettingsError(f"{PREFIX}PREDICTION_KEY: {error}.") from None
    return Predictions(engine, keys)
