"""Rows 85, 86, 90, 91, 95, 96: who may call."""

import re
from collections.abc import Iterator
from functools import cache, partial

from cds_service.check.asking import another
from cds_service.check.caller import NO_TOKEN, Answer
from cds_service.check.endpoints import NOT_OFFERED, Endpoint
from cds_service.check.quoting import quoted
from cds_service.check.requirements import Failed, NotTried, Passed, Result, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.signing import Signer
from cds_service.check.tokens import STRANGER, Made, kept_out, let_in, signer_where_needed

_HOUR_S = 3600
_PARTS = re.compile(
    r"(?<![a-z])(aud(ience)?|iss(uer)?|exp(iry|ired|iration)?|iat|nbf|jti|kid|jku|typ|alg(orithm)?|signature|claims?|"
    r"replay(ed)?|tenant|subject)(?![a-z])",
    re.IGNORECASE,
)
"""Words by which a refusal tells what of the token was wrong."""


@requirement(85, "SHOULD", "A service that shows patients' data demands authentication.")
def authentication_is_demanded(seen: Seen) -> Result:
    """A call without a token is refused."""
    answer = seen.unsigned
    if not answer.status:
        return NotTried(f"the service {answer.said}")
    return (
        Passed(f"answered {answer.status}")
        if answer.status in (401, 403)
        else Failed(f"without a token, the service answered {answer.status}")
    )


@requirement(86, "SHALL", "Where tokens are demanded, a call, feedback or discovery without one is a bare 401.")
def a_token_is_demanded(seen: Seen) -> Result:
    """None of the three goes on, and no refusal tells what was wrong."""
    signer = signer_where_needed(seen)
    return judged([*_gone_on(seen), *_told(seen, signer)])


def _gone_on(seen: Seen) -> Iterator[str]:
    for endpoint in seen.endpoints:
        for what, token in {"without a token": None, "with words for a token": NO_TOKEN}.items():
            answer = endpoint.answer(seen.caller, token)
            if answer.status != 401 and not (endpoint.name == "feedback" and answer.status in NOT_OFFERED):
                yield f"{endpoint.name or 'a call'} {what} {answer.said}"
            elif part := _part_told(answer):
                yield f"{endpoint.name or 'a call'} {what} is told of {quoted(part)}"


def _told(seen: Seen, signer: Signer) -> Iterator[str]:
    """What is wrong: refusals of wrong tokens that tell by words, or by being different, what was wrong."""
    wrong: dict[str, Made] = {
        "for another server": lambda _: signer.token(STRANGER),
        "of another key": signer.forged,
        "that is over": lambda url: _over(signer, url),
    }
    for endpoint in seen.guarded:
        answers = {what: _refusal(seen, endpoint, made) for what, made in wrong.items()}
        if told := next((part for one in answers.values() if (part := _part_told(one))), None):
            yield f"a wrong token{endpoint.at} is told of {quoted(told)}"
        if len({_words(one) for one in answers.values()}) > 1:
            said = "; ".join(f"{what}: {one.said}" for what, one in answers.items())
            yield f"refusals{endpoint.at} differ by what is wrong with a token: {said}"


def _refusal(seen: Seen, endpoint: Endpoint, made: Made) -> Answer:
    return endpoint.answer(seen.caller, made(seen.caller.url(endpoint.path)))


def _part_told(answer: Answer) -> str | None:
    """The part of a token that a 401 names."""
    found = _PARTS.search(f"{answer.text} {answer.headers.get('WWW-Authenticate', '')}")
    return found[0] if found and answer.status == 401 else None


def _words(answer: Answer) -> frozenset[str]:
    """The words of an answer, without what has a digit in it: times, and the ids of requests."""
    return frozenset(one for one in re.split(r"[^\w-]+", answer.text) if not re.search(r"\d", one))


def _over(signer: Signer, url: str) -> str:
    """A token that ended an hour ago."""
    begun = signer.claims("")["iat"] - 2 * _HOUR_S
    return signer.token(url, iat=begun, exp=begun + _HOUR_S)


@requirement(90, "SHOULD", "Only listed issuers and listed key URLs count, and no other URL is fetched.")
def strangers_are_refused(seen: Seen) -> Result:
    """Another issuer; another jku, which nobody may fetch."""
    signer, fhir = signer_where_needed(seen), seen.choices.fhir
    jku = fhir.keys if fhir else f"{STRANGER}/keys"
    tokens = {
        "of another issuer": partial(signer.token, iss=STRANGER),
        "with another jku": partial(signer.token, header={"jku": jku}),
    }
    before = len(fhir.asked) if fhir else 0
    faults = list(let_in(seen, tokens))
    fetched = fhir is not None and any(one.is_for_keys for one in fhir.asked[before:])
    return judged(
        [*faults, "the other jku was fetched" if fetched else None],
        "" if fhir else "whether it was fetched takes --test-fhir",
    )


@requirement(91, "SHALL", "A token without jku is verified with the keys that were configured for its issuer.")
def keys_are_known_beforehand(seen: Seen) -> Result:
    """The same token without its jku."""
    signer = signer_where_needed(seen)
    without: Made = partial(signer.token, header={"jku": None})
    if signer.jku and seen.ask(another(seen.request), token=without(seen.caller.url(seen.path))).status == 401:
        return NotTried("the service may know the keys by their URL alone")
    return judged(kept_out(seen, {"without jku": without}))


@requirement(95, "RECOMMENDED", "ES384 and RS384 are accepted.")
def recommended_algorithms(seen: Seen) -> Result:
    """The one of the key that was given."""
    signer = signer_where_needed(seen)
    return Passed(f"{signer.algorithm}; the other takes another --key")


@requirement(96, "best practice", "A token that is over or was seen before is refused.")
def tokens_end(seen: Seen) -> Result:
    """Expired; and taken once, then sent with another call."""
    signer = signer_where_needed(seen)
    once: Made = cache(signer.token)
    return judged(
        [
            *let_in(seen, {"that is over": partial(_over, signer)}),
            *kept_out(seen, {"used once": once}),
            *let_in(seen, {"used before": once}),
        ]
    )
