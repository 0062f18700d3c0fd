"""A search as one kind of server takes it: page size, order, bounds of time, codes, GET or POST."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cds_service.fhir_client.profiles import Profile
from fhir_mappings.queries import Search

_DATES = frozenset({"date", "effective-time", "authored"})
_TOKENS = frozenset({"code", "category"})
Params = tuple[tuple[str, str], ...]


def parts_of(search: Search, profile: Profile) -> tuple[Search, ...]:
    """The search in as many as its codes need: one where they fit into a URL, or where the server reads a body."""
    codes = next((value for name, value in search.params if name == "code"), "")
    if profile.post_search or len(_written(codes, profile)) <= profile.longest_list:
        return (search,)
    lists = _lists(codes.split(","), profile)
    return tuple(replace(search, params=_with(search.params, "code", each)) for each in lists)


def ways(search: Search, profile: Profile) -> tuple[Search, ...]:
    """The search as this server is asked first, and as it is asked where it refuses the one before.

    As the profile says; without order, all bounds of time in its place; with nothing that only helps.
    """
    params = tuple((name, _written(value, profile) if name in _TOKENS else value) for name, value in search.params)
    first = _paged(search.path, params if profile.sort else _without(params, "_sort"), profile)
    unsorted = _without(first, "_sort")
    tried = (_bounded(first, profile.date_bounds), unsorted, _bounded(_without(unsorted, "_count"), 1))
    return tuple(replace(search, params=each) for each in dict.fromkeys(tried))


def is_posted(search: Search, profile: Profile) -> bool:
    """True where the codes are too many for a URL and the server reads a body."""
    codes = next((value for name, value in search.params if name == "code"), "")
    return profile.post_search and len(codes) > profile.longest_list


def _paged(resource_type: str, params: Params, profile: Profile) -> Params:
    count = profile.page_of(resource_type)
    return (*_without(params, "_count"), *((("_count", str(count)),) if count else ()))


def _bounded(params: Params, most: int) -> Params:
    """With no more bounds of time: the lower one, and the oldest asked for first."""
    dates = [one for one in params if one[0] in _DATES]
    if len(dates) <= most:
        return params
    kept = tuple(one for one in params if one not in dates[most:])
    return tuple((name, value.removeprefix("-") if name == "_sort" else value) for name, value in kept)


def _without(params: Params, name: str) -> Params:
    return tuple(one for one in params if one[0] != name)


def _written(tokens: str, profile: Profile) -> str:
    if profile.code_form == "code":
        return ",".join(token.rpartition("|")[2] for token in tokens.split(","))
    return tokens


def _with(params: Params, name: str, value: str) -> Params:
    return tuple((name, value) if one[0] == name else one for one in params)


def _lists(tokens: Sequence[str], profile: Profile) -> Iterable[str]:
    """The tokens in comma-separated lists, each short enough for a URL."""
    lists: list[list[str]] = [[]]
    for token in tokens:
        if lists[-1] and len(_written(",".join([*lists[-1], token]), profile)) > profile.longest_list:
            lists.append([])
        lists[-1].append(token)
    return [",".join(each) for each in lists]
