"""Bodies around real ones: the demo patients' requests and feedback, changed at one to three places."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from benchmarks.fuzz.changes import CHANGES, ODD, places
from benchmarks.fuzz.signed import ODD_MEMBERS
from benchmarks.fuzz.watched import MOMENT
from cds_service.demo.patients import demo_patients, request_for, shift
from tests.fakes import BASE

Json = dict[str, Any]

_INSTANCE = re.compile(rb'("hookInstance": ")[0-9a-f-]{36}(?=")')
CALL, FEEDBACK = "/cds-services/end-risk", "/cds-services/end-risk/feedback"


@dataclass(frozen=True)
class Sent:
    """One request; ``shape`` tells what was done to which seed, without a value.

    ``fetched`` is what the FHIR server holds by the keys of the prefetch, where the call has none; ``token``
    tells the odd members of the token that the call brings, if any, and is None where it brings none.
    """

    path: str
    raw: bytes
    content_type: str
    shape: str
    fetched: Any = None
    token: dict[str, Any] | None = None

    def numbered(self, number: int) -> bytes:
        """The body with a ``hookInstance`` of its own: else two of one seed might be one call."""
        return _INSTANCE.sub(b"%s00000000-0000-4000-8000-%012d" % (rb"\g<1>", number), self.raw)


@cache
def seeds() -> dict[str, tuple[str, str]]:
    """The path and the JSON of each request that is changed, by name."""
    calls = {
        patient.id: (CALL, json.dumps(request_for(patient, shift(patient.bundle, MOMENT), fhir_server=BASE)))
        for patient in demo_patients()
    }
    return calls | {"feedback": (FEEDBACK, json.dumps({"feedback": [_feedback(), _feedback() | _OVERRIDDEN]}))}


def _feedback() -> Json:
    at, card = MOMENT.isoformat(), str(UUID(int=1))
    return {"card": card, "outcome": "accepted", "acceptedSuggestions": [{"id": card}], "outcomeTimestamp": at}


_OVERRIDDEN = {"outcome": "overridden", "overrideReason": {"reason": {"code": "x"}, "userComment": "seen"}}

_BYTES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("cut", lambda raw: raw[: len(raw) // 2]),
    ("twice", lambda raw: b'{"hook": "patient-view",' + raw[1:]),
    ("after", lambda raw: raw + b"]"),
    ("mark", lambda raw: b"\xef\xbb\xbf" + raw),
    ("not utf-8", lambda raw: raw.replace(b"a", b"\xff", 1)),
    ("utf-16", lambda raw: raw.decode("utf-8").encode("utf-16")),
    ("another patient", lambda raw: raw.replace(b'"patientId": "', b'"patientId": "another-', 1)),
    ("empty", lambda raw: raw[:0]),
)
_TYPES = ("application/json", "application/json; charset=utf-16", "application/fhir+json", "text/plain", "", "\xe4")


@st.composite
def sent(draw: st.DrawFn) -> Sent:
    """One request around a seed."""
    name = draw(st.sampled_from(sorted(seeds())))
    path, text = seeds()[name]
    body = json.loads(text)
    done = [_change(draw, body) for _ in range(draw(st.integers(1, 3)))]
    fetched = body.pop("prefetch", None) if draw(st.integers(0, 3)) == 2 else None
    raw = json.dumps(body).encode()
    if draw(st.integers(0, 15)) == 7:
        how, change = draw(st.sampled_from(_BYTES))
        raw, done = change(raw), [*done, how]
    kind = _TYPES[max(0, draw(st.integers(-90, len(_TYPES) - 1)))]
    token = draw(ODD_MEMBERS | st.just({})) if draw(st.integers(0, 7)) in (2, 5) else None
    done += [] if token is None else [f"signed {', '.join(token)}".strip()]
    return Sent(path, raw, kind, f"{name}{' fetched' * (fetched is not None)}: {', '.join(done)}", fetched, token)


def _change(draw: st.DrawFn, body: Json) -> str:
    """Change one place, and say how; some are near the top, where a call has few members of its own."""
    found = list(places(body))
    if not found:
        return "nothing left"
    top = [body, body.get("context"), body.get("prefetch")]
    near = [place for place in found if any(place[0] is one for one in top)]
    place = draw(st.sampled_from(near if near and draw(st.integers(0, 8)) == 4 else found))
    change = draw(st.sampled_from(CHANGES))
    change(place, draw(ODD))
    return f"{change.__name__.strip('_')} {place[1] if isinstance(place[1], str) else 'entry'}"
