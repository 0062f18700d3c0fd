"""What is asked of a service once for all: discovery, one whole call, and one that needs the FHIR server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from cds_service.check.asking import another, least_request, templates
from cds_service.check.caller import SIGNED, Answer, Caller
from cds_service.check.endpoints import DISCOVERY, NOT_OFFERED, Endpoint, endpoints
from cds_service.check.recording import TOKEN, Asked, Recording
from cds_service.check.requirements import Untried
from cds_service.check.signing import Signer

Json = dict[str, Any]
_SCOPE = "patient/*.rs"
GIVE_REQUEST = "give --request"


@dataclass(frozen=True)
class Choices:
    """What whoever checks has given: the service's id, a request, a browser's origin, a FHIR server of ours."""

    service: str | None = None
    request: Json | None = None
    origin: str | None = None
    fhir: Recording | None = None


@dataclass
class Seen:
    """A service as it is being looked at; each thing is asked for once, when it is first wanted."""

    caller: Caller
    choices: Choices = field(default_factory=Choices)

    @cached_property
    def discovery(self) -> Answer:
        """The answer of discovery, whatever it is."""
        return self.caller.get(DISCOVERY)

    @property
    def services(self) -> list[Json]:
        """The services that discovery lists. Raises `Untried` where there are none."""
        if self.discovery.status in (401, 403) and self.caller.signer is None:
            raise Untried("discovery asks for a token; give --key")
        listed = self.discovery.object.get("services") if self.discovery.ok else None
        found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if not found:
            raise Untried(f"discovery {'lists no service' if self.discovery.ok else self.discovery.said}")
        return found

    @property
    def service(self) -> Json:
        """The one that is called: by its id, else the first of patient-view, else the first. Raises `Untried`."""
        if self.choices.service is not None:
            return self._chosen(self.choices.service)
        usable = [one for one in self.services if isinstance(one.get("id"), str) and one["id"]]
        if not usable:
            raise Untried("discovery lists no service with an id")
        wanted = self._given.get("hook") or "patient-view"
        return next((one for one in usable if one.get("hook") == wanted), usable[0])

    def _chosen(self, id_: str) -> Json:
        named = [one for one in self.services if one.get("id") == id_]
        if not named:
            raise Untried("discovery lists no service of the given id")
        return next((one for one in named if one.get("hook") == self._given.get("hook")), named[0])

    @property
    def _given(self) -> Json:
        return self.choices.request or {}

    @property
    def path(self) -> str:
        """The path of the service that is called."""
        return f"{DISCOVERY}/{self.service['id']}"

    @property
    def hook(self) -> str:
        """The hook that it answers."""
        return str(self.service.get("hook"))

    @property
    def signer(self) -> Signer:
        """The EHR's key. Raises `Untried`."""
        if self.caller.signer is None:
            raise Untried("give --key, --iss and perhaps --jku")
        return self.caller.signer

    @cached_property
    def request(self) -> Json:
        """The whole request: the given one, or the least one."""
        return self.choices.request or least_request(self.service)

    @cached_property
    def answer(self) -> Answer:
        """The answer to the whole request, whatever it is."""
        return self.ask(another(self.request))

    @cached_property
    def unsigned(self) -> Answer:
        """The answer to the whole request without a token, whatever it is."""
        return self.answer if self.caller.signer is None else self.ask(another(self.request), token=None)

    def ask(self, body: Any, token: str | None = SIGNED, **headers: str) -> Answer:
        """The answer of the service to a body."""
        return self.caller.post(self.path, body, token=token, **headers)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The service, its feedback, discovery."""
        return endpoints(self.path, self.request)

    @cached_property
    def guarded(self) -> dict[Endpoint, int]:
        """Those of them that refuse a call without a token, with the status of a right call."""
        refusing = (one for one in self.endpoints if one.answer(self.caller, None).status in (401, 403))
        right = {one: one.answer(self.caller).status for one in refusing}
        return {one: status for one, status in right.items() if status not in NOT_OFFERED}

    @property
    def usual(self) -> int:
        """The status of a right request: 200, or 412 where it carries too little. Raises `Untried`."""
        if self.answer.status in (401, 403) and self.caller.signer is None:
            raise Untried("the service asks for a token; give --key")
        if self.answer.status not in (200, 412):
            hint = "" if self.choices.request else f"; {GIVE_REQUEST}"
            raise Untried(f"to a right request the service {self.answer.said}{hint}")
        return self.answer.status

    @property
    def body(self) -> Json:
        """The object in the answer to the whole request. Raises `Untried` where that was no success."""
        if self.usual != 200:
            raise Untried(self._no_cards)
        return self.answer.object

    @property
    def cards(self) -> list[Json]:
        """The cards of the whole request. Raises `Untried` where none came."""
        listed = self.body.get("cards")
        found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if not found:
            raise Untried(self._no_cards)
        return found

    @property
    def _no_cards(self) -> str:
        return f"no cards came ({self.answer.status}); give a{'nother' if self.choices.request else ''} --request"

    @property
    def keys(self) -> Sequence[str]:
        """The keys of its prefetch templates. Raises `Untried` where it has none."""
        if not (found := list(templates(self.service))):
            raise Untried("the service has no prefetch templates")
        return found

    @property
    def fhir(self) -> Recording:
        """The FHIR server of ours. Raises `Untried`."""
        if self.choices.fhir is None:
            raise Untried("give --test-fhir")
        return self.choices.fhir

    def asks(self, **changed: Any) -> tuple[Answer, list[Asked]]:
        """The answer to a request that names our FHIR server, and what that was asked for it."""
        access = {"fhirServer": self.fhir.base, "fhirAuthorization": self.access()}
        before = len(self.fhir.asked)
        answer = self.ask(another(self.request, **(access | changed)))
        return answer, self.fhir.asked[before:]

    def access(self, **changed: Any) -> Json:
        """A ``fhirAuthorization`` for the request's patient; a member that is None is left out."""
        whole = {
            "access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": _SCOPE,
            "subject": f"check-{uuid4()}", "patient": self.request["context"].get("patientId"),
        } | changed  # fmt: skip
        return {name: value for name, value in whole.items() if value is not None}

    @cached_property
    def _without_prefetch(self) -> tuple[Answer, list[Asked]]:
        return self.asks(prefetch=None)

    @property
    def fetched(self) -> tuple[Answer, list[Asked]]:
        """The answer to the request without its prefetch, and what our FHIR server was asked. Raises `Untried`."""
        self.fhir, self.usual  # noqa: B018  # what is wanting is said first
        answer, asked = self._without_prefetch
        if not asked:
            raise Untried(
                f"the service asked our FHIR server nothing and {answer.said}; perhaps {self.fhir.base} has to be "
                "among the servers that it may call (--fhir-port keeps it the same), or cannot be reached from there "
                "(--fhir-host, --fhir-base)"
            )
        return answer, asked
