"""What clinicians did with the cards."""

import json
from collections.abc import Sequence

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from cds_service.errors import NotReady
from cds_service.hooks.messages import Feedback
from cds_service.record.store import FeedbackRow


def keep_feedback(engine: Engine, service: str, entries: Sequence[Feedback]) -> int:
    """Store each entry once, and return how many were new; a repeat changes nothing.

    Raises `NotReady` where nothing can be stored now, so that the EHR sends it again.
    """
    try:
        try:
            return _keep(engine, service, entries)
        except IntegrityError:  # another worker stored the same at the same moment
            return _keep(engine, service, entries)
    except SQLAlchemyError:
        raise NotReady("feedback cannot be stored at the moment") from None


def _keep(engine: Engine, service: str, entries: Sequence[Feedback]) -> int:
    new = 0
    with Session(engine) as session, session.begin():
        for entry in entries:
            same = (
                FeedbackRow.card == entry.card,
                FeedbackRow.outcome == entry.outcome,
                FeedbackRow.outcome_timestamp == entry.outcome_timestamp,
            )
            if session.scalar(select(FeedbackRow.id).where(*same)) is None:
                session.add(_row(service, entry))
                session.flush()
                new += 1
    return new


def _row(service: str, entry: Feedback) -> FeedbackRow:
    given = entry.override_reason
    code = (given.reason or {}).get("code") if given else None
    return FeedbackRow(
        service=service,
        card=entry.card,
        outcome=entry.outcome,
        outcome_timestamp=entry.outcome_timestamp,
        accepted_suggestions=json.dumps([suggestion.id for suggestion in entry.accepted_suggestions]),
        reason_code=str(code)[:128] if code else None,
        user_comment=given.user_comment if given else None,
    )
