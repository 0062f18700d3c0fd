"""Tokens that were seen, so that each counts once in all workers (CDS Hooks best practices, "JWT")."""

import hashlib
import json
import logging
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, String, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from cds_service.record.store import Base, Moment, insert_once

_LOG = logging.getLogger(__name__)
KEPT = timedelta(minutes=10)
"""How long a row outlives its token: workers on several machines may differ in time."""

_CLEARED_EVERY_S = 600.0


class ReplayStoreError(Exception):
    """It is not known whether a token was seen; says the kind of failure."""


class SeenToken(Base):
    """One token that was accepted, and what it was used for, both as hashes."""

    __tablename__ = "seen_tokens"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    use: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


@dataclass
class Replays:
    """The tokens seen, in the database that all workers share."""

    engine: Engine
    _cleared_at: float = -math.inf

    def first_use(self, token: str, use: str, until: datetime, *, or_same: bool = False) -> bool:
        """True where this token was never seen, or (``or_same``) only with the same use.

        ``until`` is the moment from which the token is refused anyway. The database decides, whoever
        else asks at the same moment. Raises `ReplayStoreError` where it cannot.
        """
        row = {"token": token, "use": use, "expires_at": until}
        try:
            with self.engine.begin() as connection:
                new = insert_once(connection, SeenToken, row)
                if not new and or_same:
                    new = connection.scalar(select(SeenToken.use).where(SeenToken.token == token)) == use
        except SQLAlchemyError as error:
            raise ReplayStoreError(type(error).__name__) from None
        self._clear_now_and_then(datetime.now(UTC))
        return new

    def _clear_now_and_then(self, now: datetime) -> None:
        if time.monotonic() - self._cleared_at < _CLEARED_EVERY_S:
            return
        self._cleared_at = time.monotonic()
        try:
            with self.engine.begin() as connection:
                connection.execute(delete(SeenToken).where(SeenToken.expires_at < now - KEPT))
        except SQLAlchemyError as error:  # the rows do no harm, and go the next time
            _LOG.warning("expired tokens not removed (%s)", type(error).__name__)


def token_key(iss: str, jti: str) -> str:
    """What stands for a token: issuers do not know each other's ``jti``."""
    return hashlib.sha256(json.dumps([iss, jti]).encode()).hexdigest()


def use_key(path: str, body: bytes) -> str:
    """What stands for the use of a token: the endpoint and the body."""
    return hashlib.sha256(json.dumps([path, hashlib.sha256(body).hexdigest()]).encode()).hexdigest()
