"""One row a call: what was answered and why."""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cds_service.record.store import AuditRow

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Audit:
    """Writes the audit; the patient is not in it."""

    engine: Engine

    def write(
        self,
        *,
        at: datetime,
        hook_instance: str,
        kind: str,
        reason: str,
        milliseconds: float,
        model: str | None = None,
        flagged: bool | None = None,
    ) -> None:
        """Keep one call. ``kind`` is the conclusion, ``outside`` or ``failed``; ``reason`` its code.

        A database that fails costs the row, and is logged: it must not cost the patient the card.
        """
        row = AuditRow(
            at=at,
            hook_instance=hook_instance,
            kind=kind,
            reason=reason[:64],
            model=model,
            flagged=None if flagged is None else int(flagged),
            milliseconds=milliseconds,
        )
        try:
            with Session(self.engine) as session, session.begin():
                session.add(row)
        except SQLAlchemyError as error:
            _LOG.error("audit row lost: %s %s %s (%s)", hook_instance, kind, reason, type(error).__name__)
