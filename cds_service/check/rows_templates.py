"""Rows 31-34, 108, 109: prefetch templates as discovery shows them."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlsplit

from cds_service.check.asking import FIELDS, NEVER_IN_TOKENS, TOKENS, templates
from cds_service.check.quoting import quoted
from cds_service.check.requirements import NotTried, Result, judged, requirement
from cds_service.check.seen import Seen

_TOKEN = re.compile(r"context\.\w+(\.\w+)*|user(PractitionerId|PractitionerRoleId|PatientId|RelatedPersonId)")
_FIELD = re.compile(r"context\.(\w+)")
_ROOT = re.compile(r"context\.\w+|user\w+")
_PATH = re.compile(r"[A-Z][A-Za-z]+(/[A-Za-z0-9\-._]+|/\{\{[^{}]+\}\})?/?")
_OUTSIDE = frozenset("_include _revinclude _lastUpdated _elements _summary _has _filter _query _text _content".split())
_CALCULATED = re.compile(r"today\(|resolve\(|ofType\(|%|\|\s*context")


def of_templates(seen: Seen, fault: Callable[[str], str | None]) -> Result:
    """What is wrong with the templates of all services."""
    return of_hooks(seen, lambda text, _: fault(text))


def of_hooks(seen: Seen, fault: Callable[[str, str], str | None]) -> Result:
    """The same, where it depends on the service's hook."""
    every = {(key, text, str(one.get("hook"))) for one in seen.services for key, text in templates(one).items()}
    if not every:
        return NotTried("no service has prefetch templates")
    found = ((key, fault(text, hook)) for key, text, hook in sorted(every))
    return judged(dict.fromkeys(f"template {quoted(key)}: {what}" for key, what in found if what))


@requirement(31, "SHALL", "Tokens in templates stand between double braces.")
def tokens_in_braces(seen: Seen) -> Result:
    """No brace is left when they are taken out."""
    return of_templates(seen, lambda text: _rest_fault(TOKENS.sub("", text)))


def _rest_fault(rest: str) -> str | None:
    return f"a brace stands alone in {quoted(rest)}" if "{" in rest or "}" in rest or "context." in rest else None


@requirement(32, "SHALL", "A token names a field of the context or one of the four ids of the user.")
def tokens_name_fields(seen: Seen) -> Result:
    """And is nothing else; of a published hook, the field is one of its context's."""
    return of_hooks(seen, lambda text, hook: _token_fault(text, _TOKEN) or next(_no_fields(text, hook), None))


def _no_fields(text: str, hook: str) -> Iterator[str]:
    unknown = [name for name in _named(text) if name not in FIELDS[hook]] if hook in FIELDS else []
    yield from (f"token {quoted(f'context.{name}')} names no field of {hook}" for name in unknown)


def _named(text: str) -> list[str]:
    """The fields of the context that its tokens name."""
    return [found[1] for one in TOKENS.findall(text) if (found := _FIELD.fullmatch(one))]


@requirement(33, "SHALL", "A context field in a token is a primitive at the root of the context.")
def tokens_name_roots(seen: Seen) -> Result:
    """No path below a field; of a published hook, no object and no list."""
    return of_hooks(
        seen, lambda text, hook: _token_fault(text, _ROOT, only=_TOKEN) or next(_no_primitives(text, hook), None)
    )


def _no_primitives(text: str, hook: str) -> Iterator[str]:
    wrong = NEVER_IN_TOKENS.intersection(_named(text) if hook in FIELDS else ())
    yield from (f"token {quoted(f'context.{name}')} is no primitive" for name in sorted(wrong))


def _token_fault(text: str, allowed: re.Pattern[str], only: re.Pattern[str] | None = None) -> str | None:
    wrong = (one for one in TOKENS.findall(text) if not allowed.fullmatch(one))
    return next((f"token {quoted(one)}" for one in wrong if only is None or only.fullmatch(one)), None)


@requirement(34, "RECOMMENDED", "Templates keep to the portable part of FHIR search.")
def templates_are_portable(seen: Seen) -> Result:
    """A read, or a search of a type without includes, chains, and modifiers but ``:in``."""
    return of_templates(seen, lambda text: next(_unportable(text), None))


def _unportable(text: str) -> Iterator[str]:
    path, _, query = text.partition("?")
    if not _PATH.fullmatch(path):
        yield f"{quoted(path)} is neither an instance nor a type"
    for name, _value in parse_qsl(urlsplit(f"?{query}").query, keep_blank_values=True):
        base, _, modifier = name.partition(":")
        if base in _OUTSIDE or "." in base or modifier not in ("", "in"):
            yield f"{quoted(name)} is outside the portable part"


@requirement(108, "changed", "Templates need none of the FHIRPath that clients may not know.")
def templates_calculate_nothing(seen: Seen) -> Result:
    """No function, variable or union in a token."""
    return of_templates(seen, lambda text: next(_calculated(text), None))


def _calculated(text: str) -> Iterator[str]:
    yield from (f"token {quoted(one)} is FHIRPath" for one in TOKENS.findall(text) if _CALCULATED.search(one))


@requirement(109, "changed", "Templates use _count alone, not _maxresults.")
def templates_count(seen: Seen) -> Result:
    """What the ballot adds is known to few."""
    return of_templates(seen, lambda text: "_maxresults" if "_maxresults" in text else None)
