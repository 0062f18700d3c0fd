"""A demo patient's call with its answer, and one parameter a row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cds_service.demo.patients import DemoPatient

Json = dict[str, Any]
URL = "/cds-services/end-risk"


@dataclass(frozen=True)
class Answered:
    """One demo patient's call and its response."""

    patient: DemoPatient
    asked: Json
    response: TestResponse

    @property
    def body(self) -> Json:
        """The response's JSON."""
        body: Json = self.response.get_json()
        return body

    @property
    def cards(self) -> list[Json]:
        """Its cards."""
        cards: list[Json] = self.body["cards"]
        return cards


def each(rows: Iterable[int]) -> list[Any]:
    """One parameter a row, marked with it."""
    return [pytest.param(row, marks=pytest.mark.row(row), id=f"row-{row}") for row in rows]
