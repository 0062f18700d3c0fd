"""Rows 87-89, 92-94: what a token has to be. A wrong one has one fault, and has to be a 401 wherever it is sent."""

from collections.abc import Iterator
from functools import partial

from cds_service.check.requirements import Result, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.signing import Signer
from cds_service.check.tokens import STRANGER, Made, kept_out, let_in, signer_where_needed

_CLAIMS = ("iss", "exp", "iat", "jti")


@requirement(87, "SHALL", "A token's header has alg, kid and typ JWT.")
def header_is_whole(seen: Seen) -> Result:
    """Each left out."""
    signer = signer_where_needed(seen)
    faulty = {f"without {name}": partial(signer.token, header={name: None}) for name in ("alg", "kid", "typ")}
    return judged(let_in(seen, faulty))


@requirement(88, "SHALL", "A token has iss, aud, exp, iat and jti, and may have more.")
def claims_are_whole(seen: Seen) -> Result:
    """Each left out; and others added."""
    signer = signer_where_needed(seen)
    faulty: dict[str, Made] = {f"without {name}": partial(signer.token, **{name: None}) for name in _CLAIMS}
    faulty["without aud"] = lambda _: signer.token(None)
    more = {"with nbf and sub": partial(signer.token, sub="check", nbf=signer.claims("")["iat"])}
    return judged([*let_in(seen, faulty), *kept_out(seen, more)])


@requirement(89, "SHALL", "aud is the URL called, alone or in a list.")
def audience_is_the_url(seen: Seen) -> Result:
    """Of another server, of another service, of each other endpoint of this one."""
    signer = signer_where_needed(seen)
    faulty: dict[str, Made] = {
        "for another server": lambda url: signer.token(url.replace(seen.caller.base, STRANGER, 1)),
        "for another service": lambda url: signer.token(f"{url}-other"),
    }
    right: dict[str, Made] = {
        "for the URL called": signer.token,
        "for a list of URLs": lambda url: signer.token([STRANGER, url]),
    }
    return judged([*let_in(seen, faulty), *_crossed(seen, signer), *kept_out(seen, right)])


def _crossed(seen: Seen, signer: Signer) -> Iterator[str]:
    """What is wrong: a token for one endpoint that counts at another."""
    for endpoint in seen.guarded:
        for other in seen.guarded:
            if other == endpoint:
                continue
            answer = endpoint.answer(seen.caller, signer.token(seen.caller.url(other.path)))
            if answer.status != 401:
                yield f"a token for {other.name or 'the service'}{endpoint.at or ' at the service'} {answer.said}"


@requirement(92, "SHALL", "The key is chosen by kid among the issuer's own, and the signature verified.")
def signature_is_verified(seen: Seen) -> Result:
    """An unknown kid, another key, changed claims."""
    signer = signer_where_needed(seen)
    faulty: dict[str, Made] = {
        "of an unknown kid": partial(signer.token, header={"kid": "check-unknown"}),
        "of another key": signer.forged,
        "with changed claims": signer.tampered,
    }
    return judged(let_in(seen, faulty))


@requirement(93, "SHALL NOT", "Unsigned tokens are not accepted.")
def none_is_refused(seen: Seen) -> Result:
    """Algorithm none."""
    return judged(let_in(seen, {"of algorithm none": signer_where_needed(seen).unsigned}))


@requirement(
    94, "SHALL NOT", "Tokens signed with a shared secret are not accepted, not even with the public key as the secret."
)
def symmetric_is_refused(seen: Seen) -> Result:
    """HS256."""
    return judged(let_in(seen, {"of HS256 with the public key": signer_where_needed(seen).symmetric}))
