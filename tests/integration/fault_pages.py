"""Paging and its faults: a proxy parts an answer into three pages, and hands out links that keep what they say or not.

Links have HAPI's form, ``BASE?_getpages=...``, without the search's own parameters.
"""

import hashlib
import itertools
import json
from collections.abc import Callable
from typing import Any

from tests.integration.fault_proxy import Exchange, Fault, Reply, passed

PAGES = 3
_GONE = Reply(410, b'{"resourceType": "OperationOutcome", "issue": []}', {"Content-Type": "application/fhir+json"})
_numbers = itertools.count(1)

Follow = Callable[["Parted", int], str | None]
"""The URL of a page's ``next``, by its number from 0; None for none."""


class Parted:
    """One search's answer in three pages of about one size."""

    def __init__(self, exchange: Exchange, body: Any, follow: Follow) -> None:
        self.base, self.proxy, self.body, self.follow = exchange.proxy.base, exchange.proxy, body, follow
        self.first = f"{self.base}{exchange.asked.searched}"
        self.key = hashlib.sha256(exchange.asked.searched.encode()).hexdigest()[:12]

    def page(self, number: int) -> Reply:
        """One page; those after the last hold what the last does."""
        entries = self.body.get("entry", [])
        size = -(-len(entries) // PAGES) or 1
        begin = min(number, PAGES - 1) * size
        link = [{"relation": "next", "url": url}] if (url := self.follow(self, number)) else []
        body = self.body | {"entry": entries[begin : begin + size], "link": link}
        return Reply(200, json.dumps(body).encode(), {"Content-Type": "application/fhir+json"})

    def given(self, number: int, answer: Callable[[], Reply] | None = None) -> str:
        """The link of a page, from now on answered with it, or otherwise."""
        token = f"{self.key}-{next(_numbers)}"
        self.proxy.later[token] = lambda exchange: exchange.send((answer or (lambda: self.page(number)))())
        return f"{self.base}?_getpages={token}"


def parted(follow: Follow) -> Fault:
    """Searches parted into pages that are linked like this; a read as it is."""

    def fault(exchange: Exchange) -> None:
        if not exchange.asked.is_search:
            passed(exchange)
            return
        exchange.send(Parted(exchange, json.loads(exchange.forwarded().body), follow).page(0))

    return fault


def _following(pages: Parted, number: int) -> str | None:
    return pages.given(number + 1) if number + 1 < PAGES else None


def _gone(pages: Parted, number: int) -> str | None:
    return pages.given(number + 1, lambda: _GONE)


def _inner(pages: Parted, number: int) -> str | None:
    url = _following(pages, number)
    return url and url.replace(pages.base, f"{pages.proxy.elsewhere}/inner/fhir")


paged = parted(_following)
gone = parted(_gone)
endless = parted(lambda pages, number: pages.given(number + 1))
cyclic = parted(lambda pages, _: pages.first)
inner_host = parted(_inner)
elsewhere = parted(lambda pages, number: f"{pages.proxy.elsewhere}/other/Things?page={number + 1}")


def gone_once(exchange: Exchange) -> None:
    """The first search's pages are lost; those of the search started again are there."""
    (gone if exchange.asked.number == 1 else paged)(exchange)
