"""Tokens tried at every endpoint that asks for one: wrong ones have to be a 401, right ones are answered as usual."""

from collections.abc import Callable, Iterator, Mapping

from cds_service.check.requirements import Untried
from cds_service.check.seen import Seen
from cds_service.check.signing import Signer

Made = Callable[[str], str]
"""From an endpoint's URL, the audience of a right token, to a token."""

STRANGER = "https://stranger.invalid"


def signer_where_needed(seen: Seen) -> Signer:
    """The key, where unsigned calls are refused and signed ones taken. Raises `Untried`."""
    signer = seen.signer
    if seen.unsigned.status not in (401, 403):
        raise Untried("the service asks for no token")
    _ = seen.usual
    return signer


def let_in(seen: Seen, tokens: Mapping[str, Made]) -> Iterator[str]:
    """What is wrong: each wrong token that is not answered by a 401, and where."""
    for endpoint in seen.guarded:
        for what, made in tokens.items():
            answer = endpoint.answer(seen.caller, made(seen.caller.url(endpoint.path)))
            if answer.status != 401:
                yield f"a token {what}{endpoint.at} {answer.said}"


def kept_out(seen: Seen, tokens: Mapping[str, Made]) -> Iterator[str]:
    """What is wrong: each right token that is not answered as usual, and where."""
    for endpoint, usual in seen.guarded.items():
        for what, made in tokens.items():
            answer = endpoint.answer(seen.caller, made(seen.caller.url(endpoint.path)))
            if answer.status != usual or usual in (401, 403):
                yield f"a token {what}{endpoint.at} {answer.said}"
