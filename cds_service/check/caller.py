"""The EHR's side of a call: what is sent, and the answer, which may be none."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cds_service.check.quoting import quoted
from cds_service.check.requirements import Untried
from cds_service.check.signing import Signer
from cds_service.outbound.session import NO_TLS, OutboundError, Session, exchange, not_json

PATIENCE = 3
"""Calls without an answer after which no further one is made (assumption)."""

MOST_S = 240.0
"""Time for all calls together (assumption)."""

SIGNED = "signed"
"""Stands for a token that is right for the URL called."""

NO_TOKEN = "words"  # noqa: S105
"""What is no token at all."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One answer. ``status`` is 0 and ``why`` says the reason where none came; ``asked``: method and path."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    why: str = ""
    asked: str = ""

    @cached_property
    def json(self) -> Any:
        """The body as strict JSON; None where it is none."""
        try:
            return json.loads(self.body, parse_constant=not_json)
        except (ValueError, RecursionError):
            return None

    @property
    def object(self) -> Json:
        """The body where it is a JSON object; an empty one where it is anything else."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """True where the request was at fault: 4xx, but not for want of a token."""
        return 400 <= self.status < 500 and self.status not in (401, 403)

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The beginning of the body as text."""
        return self.body[:200].decode("utf-8", "replace")

    @property
    def said(self) -> str:
        """What came, in a few words; of a success nothing is quoted, as it may be a patient's card."""
        if not self.status:
            return f"gave no answer ({self.why})"
        if self.ok:
            return f"answered {self.status}"
        return f"answered {self.status}" + (f" {quoted(self.text)}" if self.body else "")


@dataclass
class Caller:
    """Calls one base URL, signed where there is a key; gives up after a few calls without an answer."""

    session: Session
    base: str
    signer: Signer | None = None
    seconds: float = 10.0
    answers: list[Answer] = field(default_factory=list)
    until: float = field(default_factory=lambda: time.monotonic() + MOST_S)

    def get(self, path: str, *, token: str | None = SIGNED, **headers: str) -> Answer:
        """The answer to a GET below the base."""
        return self.call("GET", path, None, token=token, headers=headers)

    def post(self, path: str, body: Any, *, token: str | None = SIGNED, **headers: str) -> Answer:
        """The answer to a POST of JSON, or of bytes as they are, below the base."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.call("POST", path, raw, token=token, headers={"Content-Type": "application/json"} | headers)

    def call(
        self, method: str, path: str, body: bytes | None, *, token: str | None, headers: Mapping[str, str]
    ) -> Answer:
        """The answer to any request. Raises `Untried` where the service was given up."""
        if sum(not answer.status for answer in self.answers) >= PATIENCE:
            raise Untried(f"the service gave no answer {PATIENCE} times")
        if time.monotonic() > self.until:
            raise Untried(f"all calls together took over {MOST_S:.0f} s")
        sent = {"Accept": "application/json", **headers, **self._authorization(path, token)}
        answer = replace(self._exchanged(method, self.url(path), body, sent), asked=f"{method} {path}")
        self.answers.append(answer)
        return answer

    def url(self, path: str) -> str:
        """The exact URL of a path, which is also the audience of its token."""
        return f"{self.base}{path}"

    def _authorization(self, path: str, token: str | None) -> dict[str, str]:
        if token == SIGNED:
            token = self.signer.token(self.url(path)) if self.signer else None
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _exchanged(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        until = time.monotonic() + self.seconds
        try:
            return Answer(*exchange(self.session, method, url, headers=headers, body=body, until=until))
        except OutboundError as error:
            hint = "; --ca-file takes a private authority" if error.why == NO_TLS else ""
            return Answer(0, {}, b"", error.why + hint)
