"""The database of feedback, predictions and seen tokens: SQLite by default, PostgreSQL by URL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    make_url,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import QueuePool

IN_MEMORY = "sqlite://"
_BUSY_MS = 2000
"""How long a writer waits for another one: less than a whole call may take."""

_PRAGMAS = (
    f"PRAGMA busy_timeout = {_BUSY_MS}",
    "PRAGMA journal_mode = WAL",  # readers and the one writer do not wait for each other
    "PRAGMA secure_delete = ON",  # what is purged is overwritten
)


class StoreError(ValueError):
    """The database cannot be opened; says why, without the URL."""


class Base(DeclarativeBase):
    """The tables."""


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC: SQLite forgets the zone and compares texts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Into the database."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Out of it."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class FeedbackRow(Base):
    """What became of one card; a repeat changes nothing."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("card", "outcome", "outcome_timestamp"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    received_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    service: Mapped[str] = mapped_column(String(64))
    card: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(16))
    outcome_timestamp: Mapped[str] = mapped_column(String(40))
    accepted_suggestions: Mapped[str] = mapped_column(Text)
    reason_system: Mapped[str | None] = mapped_column(String(256))
    reason_code: Mapped[str | None] = mapped_column(String(128))
    user_comment: Mapped[str | None] = mapped_column(Text)


class PredictionRow(Base):
    """One conclusion a call: when, by which artifact, whose by keyed hash, and the encrypted rest."""

    __tablename__ = "predictions"
    __table_args__ = (UniqueConstraint("hook_instance", "patient"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    as_of: Mapped[datetime] = mapped_column(Moment, index=True)
    hook_instance: Mapped[str] = mapped_column(String(36))
    artifact: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(16))
    patient: Mapped[str] = mapped_column(String(64), index=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)


def open_store(url: str) -> Engine:
    """The database with its tables; ``sqlite://`` alone is in memory. Raises `StoreError`.

    In memory there is one connection, which threads wait for: used by two at once, SQLite crashes.
    """
    try:
        engine = _engine(url)
        _lay(engine)
    except ModuleNotFoundError as error:
        raise StoreError(f"{error.name} is not installed: install endwatch[postgres]") from None
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(f"the database cannot be opened ({type(error).__name__})") from None
    return engine


def insert_once(connection: Connection, table: type[Base], row: Mapping[str, Any]) -> bool:
    """True where the row is new; one that is there already stays. The database decides, whoever else writes."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    added = insert(table).values(row).on_conflict_do_nothing()
    return connection.execute(added, execution_options={"preserve_rowcount": True}).rowcount == 1


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None in memory and for another database."""
    parsed = _parsed(url)
    named = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if named else None


def is_in_memory(url: str) -> bool:
    """True for an SQLite URL without a file: each process has a database of its own, which ends with it."""
    return _parsed(url).get_backend_name() == "sqlite" and sqlite_file(url) is None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError("this is no database URL") from None
    if parsed.get_backend_name() == "sqlite" and (parsed.database or "").startswith("file:"):
        raise StoreError("an SQLite database is named by its path, not as file:")  # which may mean memory
    return parsed


def _engine(url: str) -> Engine:
    parsed = _parsed(url)
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError("the database has to be SQLite or PostgreSQL")
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "postgresql":
        wait = {"connect_timeout": 2} if "connect_timeout" not in parsed.query else {}
        return create_engine(parsed, pool_pre_ping=True, connect_args=wait)
    engine = create_engine(parsed, **_sqlite_options(sqlite_file(url)))
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _sqlite_options(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {
            "poolclass": QueuePool,
            "pool_size": 1,
            "max_overflow": 0,
            "connect_args": {"check_same_thread": False},
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600, exist_ok=True)  # the log beside it inherits this
    return {"connect_args": {"timeout": _BUSY_MS / 1000}}


def _set_pragmas(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _lay(engine: Engine) -> None:
    """The tables and columns that are not there yet; several workers may start at one moment.

    Another worker can lay the same table first, once for each of them; what is really wrong fails again.
    """
    for _ in Base.metadata.tables:
        try:
            return _lay_once(engine)
        except SQLAlchemyError:
            continue
    return _lay_once(engine)


def _lay_once(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    found = {column["name"] for column in inspect(engine).get_columns(FeedbackRow.__tablename__)}
    with engine.begin() as connection:
        for column in FeedbackRow.__table__.columns:
            if column.name not in found:
                kind = column.type.compile(engine.dialect)
                connection.execute(text(f"ALTER TABLE feedback ADD COLUMN {column.name} {kind}"))
        if "received_at" not in found:
            connection.execute(update(FeedbackRow).values(received_at=datetime.now(UTC)))
