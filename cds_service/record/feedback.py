"""What clinicians did with the cards."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cds_service.errors import NotReady
from cds_service.hooks.messages import Feedback
from cds_service.record.store import FeedbackRow, insert_once


def keep_feedback(engine: Engine, service: str, entries: Sequence[Feedback], at: datetime | None = None) -> int:
    """Store each entry once, received ``at`` (now), and return how many were new; a repeat changes nothing.

    Raises `NotReady` where nothing can be stored now, so that the EHR sends it again.
    """
    received = at or datetime.now(UTC)
    rows = [_row(service, entry, received) for entry in entries]
    rows.sort(key=lambda row: (row["card"], row["outcome"], row["outcome_timestamp"]))  # no two batches lock crosswise
    try:
        with engine.begin() as connection:
            return sum(insert_once(connection, FeedbackRow, row) for row in rows)
    except SQLAlchemyError:
        raise NotReady("feedback cannot be stored at the moment") from None


def _row(service: str, entry: Feedback, received: datetime) -> dict[str, Any]:
    """A row; a reason counts by system and code, ours or not."""
    given = entry.override_reason
    reason = (given.reason if given else None) or {}
    return {
        "received_at": received,
        "service": service,
        "card": entry.card,
        "outcome": entry.outcome,
        "outcome_timestamp": entry.outcome_timestamp,
        "accepted_suggestions": json.dumps([suggestion.id for suggestion in entry.accepted_suggestions]),
        "reason_system": _words(reason.get("system"), 256),
        "reason_code": _words(reason.get("code"), 128),
        "user_comment": _words(given.user_comment if given else None, 4000),
    }


def _words(value: Any, most: int) -> str | None:
    """Text as every database takes it: bounded, without NUL and lone surrogates."""
    if not value:
        return None
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()[:most]
