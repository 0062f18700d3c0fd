"""Let go of what is older than its retention."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, func, select
from sqlalchemy.orm import Session

from cds_service.hooks.replays import KEPT, SeenToken
from cds_service.record.audit import older_files
from cds_service.record.predictions import PredictionKey
from cds_service.record.store import Base, FeedbackRow, PredictionRow, StoreError, open_store, sqlite_file
from cds_service.settings import Settings


def purge(
    settings: Settings, now: datetime, *, keys: Sequence[PredictionKey] | None = None, dry_run: bool = False
) -> dict[str, int]:
    """How much of each kind was removed, or would be in a ``dry_run``.

    With ``keys`` the predictions that none of them reads go too. Raises `StoreError` where there is
    no database, and `OSError` where a file cannot be removed.
    """
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        raise StoreError(f"there is no database at {file}")
    engine = open_store(settings.database_url)
    try:
        counts = {
            "feedback": _rows(engine, FeedbackRow, _too_old(settings, now), dry_run=dry_run),
            "predictions": _rows(engine, PredictionRow, _lapsed(settings, now, keys), dry_run=dry_run),
            "seen tokens": _rows(engine, SeenToken, SeenToken.expires_at < now - KEPT, dry_run=dry_run),
        }
        if file is not None and not dry_run:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # the log holds copies of what is gone
    finally:
        engine.dispose()
    return {"audit files": _files(settings, now, dry_run=dry_run), **counts}


def _too_old(settings: Settings, now: datetime) -> ColumnElement[bool]:
    return FeedbackRow.received_at < now - timedelta(days=settings.feedback_days)


def _lapsed(settings: Settings, now: datetime, keys: Sequence[PredictionKey] | None) -> ColumnElement[bool]:
    old = PredictionRow.as_of < now - timedelta(days=settings.prediction_days)
    return old if keys is None else old | PredictionRow.key_id.not_in([key.id for key in keys])


def _rows(engine: Engine, table: type[Base], which: ColumnElement[bool], *, dry_run: bool) -> int:
    with Session(engine) as session, session.begin():
        count = session.scalar(select(func.count()).select_from(table).where(which)) or 0
        if count and not dry_run:
            done: Any = session.execute(delete(table).where(which))
            count = done.rowcount
    return count


def _files(settings: Settings, now: datetime, *, dry_run: bool) -> int:
    if settings.audit_log is None or not settings.audit_log.is_dir():
        return 0
    files = older_files(settings.audit_log, now - timedelta(days=settings.audit_days))
    for file in () if dry_run else files:
        file.unlink()
    return len(files)
