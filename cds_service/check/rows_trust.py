"""Rows 85-96: who may call. Each wrong token has one fault, and has to be a 401."""

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.check.asking import another
from cds_service.check.caller import NO_TOKEN, Answer
from cds_service.check.recording import KEYS_PATH
from cds_service.check.requirements import Failed, NotTried, Passed, Result, Untried, judged, requirement
from cds_service.check.seen import DISCOVERY, Seen
from cds_service.check.signing import Signer

_CLAIMS = ("iss", "aud", "exp", "iat", "jti")
_STRANGER = "https://stranger.invalid"
_HOUR_S = 3600


def signer_where_needed(seen: Seen) -> Signer:
    """The key, where unsigned calls are refused and signed ones taken. Raises `Untried`."""
    signer = seen.signer
    if seen.unsigned.status not in (401, 403):
        raise Untried("the service asks for no token")
    _ = seen.usual
    return signer


def let_in(seen: Seen, tokens: Mapping[str, str]) -> Iterator[str]:
    """What is wrong: each token that is not answered by a 401."""
    for what, token in tokens.items():
        if (answer := seen.ask(another(seen.request), token=token)).status != 401:
            yield f"a token {what} {answer.said}"


def kept_out(seen: Seen, tokens: Mapping[str, str]) -> Iterator[str]:
    """What is wrong: each right token that is not answered as usual."""
    for what, token in tokens.items():
        if (answer := seen.ask(another(seen.request), token=token)).status != seen.usual:
            yield f"a token {what} {answer.said}"


def aud(seen: Seen) -> str:
    """The audience of a right token for the service."""
    return seen.caller.url(seen.path)


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


@requirement(86, "SHALL", "Where tokens are demanded, a call or feedback without one is a bare 401.")
def a_token_is_demanded(seen: Seen) -> Result:
    """Neither the service nor its feedback goes on."""
    signer_where_needed(seen)
    answers = {
        "a call without a token": seen.unsigned,
        "a call with words for a token": seen.ask(another(seen.request), token=NO_TOKEN),
        "feedback without a token": seen.caller.post(f"{seen.path}/feedback", {"feedback": []}, token=None),
    }
    open_discovery = seen.caller.get(DISCOVERY, token=None).ok
    wrong = (f"{what} {one.said}" for what, one in answers.items() if not _turned_away(what, one))
    return judged(wrong, "discovery is open" if open_discovery else "discovery too")


def _turned_away(what: str, answer: Answer) -> bool:
    return answer.status == 401 or (what.startswith("feedback") and answer.status in (404, 405))


@requirement(87, "SHALL", "A token's header has alg, kid and typ JWT.")
def header_is_whole(seen: Seen) -> Result:
    """Each left out."""
    signer = signer_where_needed(seen)
    faulty = {f"without {name}": signer.token(aud(seen), {name: None}) for name in ("alg", "kid", "typ")}
    return judged(let_in(seen, faulty))


@requirement(88, "SHALL", "A token has iss, aud, exp, iat and jti, and may have more.")
def claims_are_whole(seen: Seen) -> Result:
    """Each left out; and others added."""
    signer = signer_where_needed(seen)
    faulty = {f"without {name}": _without(signer, aud(seen), name) for name in _CLAIMS}
    more = {"with nbf and sub": signer.token(aud(seen), sub="check", nbf=signer.claims("")["iat"])}
    return judged([*let_in(seen, faulty), *kept_out(seen, more)])


def _without(signer: Signer, right: str, name: str) -> str:
    return signer.token(None if name == "aud" else right, **({} if name == "aud" else {name: None}))


@requirement(89, "SHALL", "aud is the URL called, alone or in a list.")
def audience_is_the_url(seen: Seen) -> Result:
    """Of another URL, of another service."""
    signer = signer_where_needed(seen)
    right = aud(seen)
    faulty = {"for another server": f"{_STRANGER}{seen.path}", "for another service": f"{right}-other"}
    tokens = {what: signer.token(audience) for what, audience in faulty.items()}
    return judged([*let_in(seen, tokens), *kept_out(seen, {"for a list of URLs": signer.token([_STRANGER, right])})])


@requirement(90, "SHOULD", "Only listed issuers and listed key URLs count, and no other URL is fetched.")
def strangers_are_refused(seen: Seen) -> Result:
    """Another issuer; another jku, which nobody may fetch."""
    signer, fhir = signer_where_needed(seen), seen.choices.fhir
    jku = fhir.root + KEYS_PATH if fhir else f"{_STRANGER}/keys"
    tokens = {
        "of another issuer": signer.token(aud(seen), iss=_STRANGER),
        "with another jku": signer.token(aud(seen), {"jku": jku}),
    }
    before = len(fhir.asked) if fhir else 0
    faults = list(let_in(seen, tokens))
    fetched = fhir is not None and any(one.path == KEYS_PATH.strip("/") for one in fhir.asked[before:])
    return judged(
        [*faults, "the other jku was fetched" if fetched else None],
        "" if fhir else "whether it was fetched takes --test-fhir",
    )


@requirement(91, "SHALL", "A token without jku is verified with the keys that were configured for its issuer.")
def keys_are_known_beforehand(seen: Seen) -> Result:
    """The same token without its jku."""
    signer = signer_where_needed(seen)
    answer = seen.ask(another(seen.request), token=signer.token(aud(seen), {"jku": None}))
    if signer.jku and answer.status == 401:
        return NotTried("the service may know the keys by their URL alone")
    return Passed() if answer.status == seen.usual else Failed(f"a token without jku {answer.said}")


@requirement(92, "SHALL", "The key is chosen by kid among the issuer's own, and the signature verified.")
def signature_is_verified(seen: Seen) -> Result:
    """An unknown kid, another key, changed claims."""
    signer = signer_where_needed(seen)
    url = aud(seen)
    faulty = {"of an unknown kid": signer.token(url, {"kid": "check-unknown"}), "of another key": signer.forged(url),
              "with changed claims": signer.tampered(url)}  # fmt: skip
    return judged(let_in(seen, faulty))


@requirement(93, "SHALL NOT", "Unsigned tokens are not accepted.")
def none_is_refused(seen: Seen) -> Result:
    """Algorithm none."""
    return judged(let_in(seen, {"of algorithm none": signer_where_needed(seen).unsigned(aud(seen))}))


@requirement(
    94, "SHALL NOT", "Tokens signed with a shared secret are not accepted, not even with the public key as the secret."
)
def symmetric_is_refused(seen: Seen) -> Result:
    """HS256."""
    return judged(let_in(seen, {"of HS256 with the public key": signer_where_needed(seen).symmetric(aud(seen))}))


@requirement(95, "RECOMMENDED", "ES384 and RS384 are accepted.")
def recommended_algorithms(seen: Seen) -> Result:
    """The one of the key that was given."""
    signer = signer_where_needed(seen)
    return Passed(f"{signer.algorithm}; the other takes another --key")


@requirement(96, "best practice", "A token that is over or was seen before is refused.")
def tokens_end(seen: Seen) -> Result:
    """Expired; and taken once, then sent with another call."""
    signer = signer_where_needed(seen)
    then: dict[str, Any] = {"iat": signer.claims("")["iat"] - 2 * _HOUR_S}
    over = signer.token(aud(seen), exp=then["iat"] + _HOUR_S, **then)
    once = signer.token(aud(seen))
    return judged(
        [
            *let_in(seen, {"that is over": over}),
            *kept_out(seen, {"used once": once}),
            *let_in(seen, {"used before": once}),
        ]
    )
