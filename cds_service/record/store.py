"""The database of audit and feedback: SQLite by default, Postgres by URL."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import DateTime, Engine, Float, Integer, String, Text, UniqueConstraint, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import QueuePool


class Base(DeclarativeBase):
    """The tables."""


class AuditRow(Base):
    """One call: what was answered and why, without anything that names the patient."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    hook_instance: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(64))
    model: Mapped[str | None] = mapped_column(String(80))
    flagged: Mapped[int | None] = mapped_column(Integer)
    milliseconds: Mapped[float] = mapped_column(Float)


class FeedbackRow(Base):
    """What became of one card; a repeat changes nothing."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("card", "outcome", "outcome_timestamp"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    service: Mapped[str] = mapped_column(String(64))
    card: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    outcome_timestamp: Mapped[str] = mapped_column(String(40))
    accepted_suggestions: Mapped[str] = mapped_column(Text)
    reason_code: Mapped[str | None] = mapped_column(String(128))
    user_comment: Mapped[str | None] = mapped_column(Text)


def open_store(url: str) -> Engine:
    """The database with its tables; ``sqlite://`` alone is in memory.

    In memory there is one connection, which threads wait for: used by two at once, SQLite crashes.
    """
    if url == "sqlite://":
        one = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        engine = create_engine(url, **one, connect_args={"check_same_thread": False})
    else:
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url)
    Base.metadata.create_all(engine)
    return engine
