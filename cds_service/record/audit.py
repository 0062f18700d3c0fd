"""One row a call: what was answered and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cds_service.record.store import AuditRow


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
        """Keep one call. ``kind`` is the conclusion or ``outside``; ``reason`` its code."""
        row = AuditRow(
            at=at,
            hook_instance=hook_instance,
            kind=kind,
            reason=reason[:64],
            model=model,
            flagged=None if flagged is None else int(flagged),
            milliseconds=milliseconds,
        )
        with Session(self.engine) as session, session.begin():
            session.add(row)
