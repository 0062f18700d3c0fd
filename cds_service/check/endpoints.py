"""What of a service is called with a token: the service itself, its feedback, discovery."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from cds_service.check.asking import another
from cds_service.check.caller import SIGNED, Answer, Caller

Json = dict[str, Any]
DISCOVERY = "/cds-services"
NOT_OFFERED = frozenset({404, 405, 501})
"""How a service answers that takes no feedback."""


@dataclass(frozen=True)
class Endpoint:
    """One of them. ``name`` is nothing for the service itself; ``body`` makes what is posted, and is None for a GET."""

    name: str
    path: str
    body: Callable[[], Json] | None = None

    @property
    def at(self) -> str:
        """Where something was seen, to be put behind it."""
        return self.name and f" at {self.name}"

    def answer(self, caller: Caller, token: str | None = SIGNED) -> Answer:
        """The answer to a call that is right but for its token."""
        if self.body is None:
            return caller.get(self.path, token=token)
        return caller.post(self.path, self.body(), token=token)


def endpoints(path: str, request: Json) -> tuple[Endpoint, ...]:
    """All three, for the service at a path; feedback is on a card that nobody sent."""
    return (
        Endpoint("", path, lambda: another(request)),
        Endpoint("feedback", f"{path}/feedback", lambda: {"feedback": [override(str(uuid4()))]}),
        Endpoint("discovery", DISCOVERY),
    )


def override(card: str) -> Json:
    """A feedback entry: the least that is said of a card."""
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": "2021-12-11T10:05:31Z"}
