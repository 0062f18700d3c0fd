"""Which part of the body a report is of, as far as its title says."""

import re

_HEAD = re.compile(
    r"head|brain|cereb|crani|skull|neuro|stroke|carotid|neck|willis|kopf|sch[äa]del|hirn|hals|\b(?:ccta?|cmrt|cct)\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"chest|thora|lung|pulmon|heart|card|abdom|pelvi|becken|spine|spinal|lumb|liver|renal|kidney|bladder|"
    r"\b(?:leg|arm|hip|knee|ankle|foot|wrist|hand|shoulder|femur|rib|venous|dvt|cxr|kub)s?\b",
    re.IGNORECASE,
)


def is_elsewhere(title: str) -> bool:
    """True where a title names a part of the body away from head and neck, and neither of them (assumption).

    A report without such a word counts as one of the head: it is only ever read later, never left out, for this.
    """
    return _ELSEWHERE.search(title) is not None and _HEAD.search(title) is None
