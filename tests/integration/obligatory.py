"""What becomes of a test whose program is not installed: skipped for people, failed where all has to be there."""

import os
from typing import NoReturn

import pytest

_ALL = os.environ.get("ENDWATCH_TEST_OBLIGATORY") == "1"


def absent(why: str) -> NoReturn:
    """Skip the test and say why; fail it where ``ENDWATCH_TEST_OBLIGATORY`` is 1, as in `.ci/run`."""
    if _ALL:
        pytest.fail(f"{why} (ENDWATCH_TEST_OBLIGATORY is set)", pytrace=False)
    pytest.skip(why)
