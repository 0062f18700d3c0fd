"""Row 98: browsers may call."""

from collections.abc import Iterator, Mapping

from cds_service.check.asking import another
from cds_service.check.caller import NO_TOKEN, Answer
from cds_service.check.endpoints import DISCOVERY
from cds_service.check.requirements import NotTried, Result, judged, requirement
from cds_service.check.seen import Seen
from cds_service.settings import SANDBOX


@requirement(98, "required", "Browsers of allowed origins may call all three endpoints and read every error.")
def browsers_may_call(seen: Seen) -> Result:
    """Preflights of the endpoints, and answers and errors that name the origin."""
    origin = seen.choices.origin or SANDBOX
    _ = seen.usual
    right = seen.ask(another(seen.request), Origin=origin)
    if seen.choices.origin is None and not _names(right, origin):
        return NotTried(f"{origin} is not allowed; give --origin")
    return judged(_faults(seen, origin, right), origin)


def _faults(seen: Seen, origin: str, right: Answer) -> Iterator[str]:
    asked = {seen.path: "POST", DISCOVERY: "GET", f"{seen.path}/feedback": "POST"}
    for path, method in asked.items():
        yield from _preflight_faults(path, method, origin, _preflight(seen, path, method, origin))
    wrong = seen.ask(another(seen.request, hook=None), Origin=origin)
    bare = seen.ask(another(seen.request), token=NO_TOKEN, Origin=origin)
    discovery = seen.caller.get(DISCOVERY, Origin=origin)
    answers = {
        "a call": right,
        "discovery": discovery,
        "a call without hook": wrong,
        "a call with words for a token": bare,
    }
    yield from (
        f"{what} ({one.status}) names no allowed origin" for what, one in answers.items() if not _names(one, origin)
    )


def _preflight(seen: Seen, path: str, method: str, origin: str) -> Answer:
    wanted = "authorization,content-type" if method == "POST" else "authorization"
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": wanted}
    return seen.caller.call("OPTIONS", path, None, token=None, headers=headers)


def _preflight_faults(path: str, method: str, origin: str, answer: Answer) -> Iterator[str]:
    if not answer.ok or not _names(answer, origin):
        yield (
            f"the preflight of {path} {answer.said} and names no allowed origin"
            if answer.ok
            else f"the preflight of {path} {answer.said}"
        )
        return
    headers = _listed(answer.headers, "Access-Control-Allow-Headers")
    wanted = {"authorization", "content-type"} if method == "POST" else {"authorization"}
    if wanted - headers - ({"content-type"} if "*" in headers else set()):  # * is no leave for Authorization
        yield f"the preflight of {path} allows {', '.join(sorted(headers)) or 'no headers'}"
    if not {method.lower(), "*"} & _listed(answer.headers, "Access-Control-Allow-Methods") and method != "GET":
        yield f"the preflight of {path} does not allow {method}"


def _names(answer: Answer, origin: str) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") in (origin, "*")


def _listed(headers: Mapping[str, str], name: str) -> set[str]:
    return {one.strip().lower() for one in headers.get(name, "").split(",")} - {""}
