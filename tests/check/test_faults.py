"""Each fault that is planted in a service that is not ours is found under its row."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.check.requirements import REQUIREMENTS
from cds_service.check.signing import Signer
from tests.check.checked import checked, failed, untried
from tests.check.faults import OPEN, SIGNED
from tests.check.other_trust import ISS, PREFIX, Fault
from tests.check.served import other

KEY = ec.generate_private_key(ec.SECP384R1())


def signed(base: str) -> Signer:
    """The EHR whose key the other service knows."""
    return Signer(KEY, "k1", ISS, f"{base.removesuffix(PREFIX)}/keys")


def name(value: Any) -> str:
    """A test's name from a row or a fault."""
    return str(getattr(value, "name", value))


def test_a_service_without_a_fault_fails_nothing():
    """With tokens and without; row 8 takes a server without services, row 48 a patient without guidance."""
    with other(public=KEY.public_key()) as base:
        demanding = checked(base, signer=signed(base))
    with other() as base:
        without = checked(base)
    assert ({}, {8, 48}) == (failed(demanding), set(untried(demanding)))
    assert {85: "without a token, the service answered 200"} == failed(without)
    assert {8, 17, 48, *range(86, 97)} == set(untried(without))


@pytest.mark.parametrize(("row", "fault"), OPEN, ids=name)
def test_a_fault_is_found_under_its_row(row: int, fault: Fault):
    """On a service that asks for no token; the reason says something."""
    with other(fault) as base:
        found = failed(checked(base))
    assert found.get(row), found


@pytest.mark.parametrize(("row", "fault"), SIGNED, ids=name)
def test_a_fault_of_trust_is_found_under_its_row(row: int, fault: Fault):
    """On a service that demands tokens."""
    with other(fault, KEY.public_key()) as base:
        found = failed(checked(base, signer=signed(base)))
    assert found.get(row), found


def test_every_requirement_has_a_planted_fault():
    """But for two that name what was seen: no service without services, and the algorithm of the key."""
    planted = {row for row, _ in (*OPEN, *SIGNED)}
    assert {8, 95} == set(REQUIREMENTS) - planted
