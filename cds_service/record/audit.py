"""The audit log: one line of JSON a call, with no name, no value, no token, and no id of a patient."""

import hashlib
import hmac
import json
import logging
import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cds_service.record.account import CallRecord

LOGGER = logging.getLogger("endwatch.audit")
LOGGER.setLevel(logging.INFO)  # the audit is no matter of how much else is logged
_LOG = logging.getLogger(__name__)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_NAME = "audit-{:%Y-%m-%d}.jsonl"


@dataclass(frozen=True)
class Audit:
    """Writes the log: to one file a day (UTC) in ``folder``, else to the logger ``endwatch.audit``.

    ``key`` makes the hash by which a patient's lines are found; without one the patient is not in them.
    """

    folder: Path | None = None
    key: bytes | None = field(default=None, repr=False)

    def write(self, call: CallRecord) -> None:
        """Keep one call. A disk that fails costs the line, and is logged: it must not cost the patient the card."""
        line = json.dumps(self._line(call), separators=(",", ":"))
        if self.folder is None:
            LOGGER.info("%s", line)
            return
        try:
            _append(self.folder / _NAME.format(call.at.astimezone(UTC)), f"{line}\n".encode())
        except OSError as error:
            why = error.strerror or "cut short"
            _LOG.error("audit line lost: %s %s %d (%s)", call.request_id, call.came_to.kind, call.status, why)

    def _line(self, call: CallRecord) -> dict[str, Any]:
        """The line's members, absent rather than null."""
        whole = {
            "time": call.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "requestId": call.request_id,
            "hookInstance": call.hook_instance,
            "issuer": call.issuer,
            "patient": patient_hash(self.key, call.patient_id) if self.key and call.patient_id else None,
            "kind": call.came_to.kind,
            "reason": call.came_to.reason or None,
            "flagged": call.came_to.flagged,
            "model": call.came_to.model,
            "milliseconds": call.milliseconds,
            "status": call.status,
        }
        return {name: value for name, value in whole.items() if value is not None}


def patient_hash(key: bytes, patient_id: str) -> str:
    """What stands for a patient in the log: HMAC-SHA256 of the FHIR id, in hex."""
    return hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()


def older_files(folder: Path, before: datetime) -> list[Path]:
    """The files of days that were over before this moment's day, oldest first; no other file is named."""
    last = before.astimezone(UTC).date()
    days = ((path, _day(path)) for path in sorted(folder.glob("audit-*.jsonl")))
    return [path for path, day in days if day is not None and day < last]


def _day(path: Path) -> date | None:
    try:
        day = date.fromisoformat(path.stem.removeprefix("audit-"))
    except ValueError:
        return None
    return day if path.name == _NAME.format(day) else None


def _append(path: Path, line: bytes) -> None:
    """Add a line by one write, so that several workers may share the file."""
    file = os.open(path, _APPEND, 0o640)
    try:
        if os.write(file, line) != len(line):
            raise OSError
    finally:
        os.close(file)
