"""Where connections may go: judged by the address that is connected to, whatever name led there."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cds_service.outbound.addresses import NEVER, AddressRefused, allowed, names_loopback, refusal
from cds_service.outbound.session import OutboundError, get_json, new_session
from tests.loopback import Heard, always, http, listening, once, renamed

LISTED = "ehr.hospital.example"
NO_LOOPBACK = st.ip_addresses().filter(lambda address: not address.is_loopback)


@contextmanager
def resolving(*answers: list[str]) -> Iterator[tuple[requests.Session, list[str]]]:
    """A session whose name server gives these answers in turn, the last one for ever; what it was asked."""
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    with new_session(resolve) as session:
        yield session, asked


def got(session: requests.Session, url: str) -> object:
    """The JSON at a URL, within five seconds."""
    return get_json(session, url, until=time.monotonic() + 5)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5", "172.16.3.1", "192.168.1.10", "100.64.0.1", "100.100.100.201", "fd12:3456::1", "fd00:ec3::253",
        "203.0.113.9", "2001:db8::1", "2600::1", "64:ff9b::a00:5",
    ],
)  # fmt: skip
def test_a_listed_host_may_be_private_or_public(address: str):
    """Most EHRs are inside; NAT64 stands for the IPv4 address in it."""
    assert refusal(LISTED, address) is None


@pytest.mark.parametrize("host", [LISTED, "localhost", "169.254.169.254", "[::]", "0"])
@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("169.254.169.254", "link-local"), ("169.254.0.1", "link-local"), ("fe80::1", "link-local"),
        ("fe80::1%2", "link-local"), ("febf::1", "link-local"), ("0.0.0.1", "unspecified"), ("0.1.2.3", "unspecified"),
        ("::", "unspecified"), ("224.0.0.1", "multicast"), ("239.255.255.250", "multicast"), ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"), ("fd00:ec2::254", "metadata"), ("fd20:ce::254", "metadata"),
        ("fd00:ec2::23", "metadata"), ("fd00:ec2::253", "metadata"),
        ("169.254.170.23", "link-local"),
        ("100.100.100.200", "metadata"), ("168.63.129.16", "metadata"), ("::ffff:10.0.0.5", "IPv4 written as IPv6"),
        ("::ffff:127.0.0.1", "IPv4 written as IPv6"), ("::ffff:a9fe:a9fe", "IPv4 written as IPv6"),
        ("2002:a9fe:a9fe::1", "IPv4 written as IPv6"), ("64:ff9b:1::a9fe:a9fe", "IPv4 written as IPv6"),
        ("64:ff9b::a9fe:a9fe", "link-local"), ("64:ff9b::", "unspecified"), ("64:ff9b::6464:64c8", "metadata"),
        ("example.org", "no address"), ("127.1", "no address"), ("", "no address"), ("2130706433", "no address"),
    ],
)  # fmt: skip
def test_some_addresses_are_never_connected_to(host: str, address: str, why: str):
    """Not even where the settings name them: cloud metadata gives out the machine's own credentials."""
    assert why == refusal(host, address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_is_reached_by_the_hosts_that_name_it(address: str):
    """What listens on loopback only has no other guard: a name server must not lead there."""
    for host in ("localhost", "LocalHost", "127.0.0.1", "127.0.0.2", "::1", "[::1]", "[0:0::1]"):
        assert refusal(host, address) is None
    for host in (LISTED, "localhost.example", "local", "127.1", "2130706433", "0x7f.1", "a.localhost", "128.0.0.1"):
        assert "loopback" == refusal(host, address)
    assert "loopback" == refusal(LISTED, "64:ff9b::7f00:1")


def test_a_host_that_names_loopback_reaches_nothing_else():
    """A name server that knows localhost as somebody else's address gets no token."""
    assert "not loopback" == refusal("localhost", "203.0.113.9")
    assert "not loopback" == refusal("127.0.0.1", "10.0.0.5")


@given(st.ip_addresses())
def test_no_kind_of_address_that_is_special_slips_through(address: IPv4Address | IPv6Address):
    """Python's own classes of addresses are the second opinion."""
    special = address.is_link_local or address.is_multicast or address.is_unspecified or address.is_loopback
    hidden = address.version == 6 and bool(address.ipv4_mapped or address.sixtofour or address.teredo)
    if special or hidden:
        assert refusal(LISTED, str(address)) is not None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_hidden_in_ipv6_is_refused_or_judged_as_itself(address: IPv4Address):
    """Mapped, translated and 6to4 forms never; NAT64 exactly where IPv4 would be."""
    for hidden in (f"::ffff:{address}", str(IPv6Address((0x2002 << 112) | (int(address) << 80)))):
        assert "IPv4 written as IPv6" == refusal(LISTED, hidden)
    assert refusal(LISTED, str(address)) == refusal(LISTED, f"64:ff9b::{address}")


@given(st.text(max_size=20), st.text(max_size=40))
def test_no_text_breaks_the_judgement(host: str, address: str):
    """Names come from settings, addresses from a name server."""
    assert isinstance(refusal(host, address), str | None)
    assert names_loopback(host) in (True, False)


def test_each_network_of_the_table_is_refused_at_both_ends():
    """Row by row."""
    for network, why in NEVER:
        assert {why} == {refusal(LISTED, str(end)) for end in (network[0], network[-1])}


@given(st.lists(st.ip_addresses().map(str), max_size=6))
def test_only_the_allowed_of_several_addresses_are_left_in_their_order(addresses: list[str]):
    """One bad answer beside a good one costs nothing; none that is good is refused."""
    good = [address for address in addresses if refusal(LISTED, address) is None]
    if good:
        assert good == allowed(LISTED, addresses)
    else:
        with pytest.raises(AddressRefused):
            allowed(LISTED, addresses)


def test_a_name_that_leads_to_loopback_gets_no_connection():
    """Not even one that is closed again: the server hears of nobody."""
    with listening(always(http(b"{}"))) as (url, peers), resolving(["127.0.0.1"]) as (session, _):
        with pytest.raises(OutboundError, match=r"^address not allowed: loopback$"):
            got(session, renamed(url, LISTED))
        assert [] == peers


@pytest.mark.parametrize("method", ["get", "post", "put", "head", "options", "delete"])
def test_whatever_a_session_is_used_for_is_checked(method: str):
    """The check is in the transport, so that no caller can go past it."""
    with listening(always(http(b"{}"))) as (url, peers), resolving(["127.0.0.1"]) as (session, _):
        with pytest.raises(AddressRefused):
            session.request(method, renamed(url, LISTED), timeout=5)
        with pytest.raises(AddressRefused):
            session.request(method, renamed(url, LISTED).replace("http:", "https:"), timeout=5)
        assert [] == peers


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is there on Linux only")
def test_the_address_connected_to_is_the_one_that_was_judged():
    """The name is not resolved a second time: the system would say 127.0.0.1, where nobody listens."""
    answer = always(http(b'{"a": 1}'))
    with listening(answer, "127.0.0.2") as (url, peers), resolving(["127.0.0.2"]) as (session, asked):
        assert {"a": 1} == got(session, renamed(url, "localhost"))
        assert (["localhost"], 1) == (asked, len(peers))


def test_a_name_server_that_changes_its_mind_is_judged_anew():
    """DNS rebinding: good at first, the metadata service at the next connection."""
    answer = once(http(b"{}", "Connection: close"))
    with listening(answer) as (url, _), resolving(["127.0.0.1"], ["169.254.169.254"]) as (session, asked):
        assert {} == got(session, renamed(url, "localhost"))
        with pytest.raises(OutboundError, match="link-local"):
            got(session, renamed(url, "localhost"))
        assert 2 == len(asked)


def test_the_next_address_is_tried_where_the_first_does_not_answer():
    """Names have an IPv6 and an IPv4 address, and servers listen on one."""
    with listening(always(http(b"{}"))) as (url, _), resolving(["::1", "169.254.1.1", "127.0.0.1"]) as (session, _):
        assert {} == got(session, renamed(url, "localhost"))


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0"])
def test_other_spellings_of_loopback_are_not_connected_to(host: str):
    """The system's resolver takes them for numbers."""
    with listening(always(http(b"{}"))) as (url, peers), new_session() as session:
        with pytest.raises(OutboundError):
            got(session, renamed(url, host))
        assert [] == peers


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), OSError("broken")])
def test_a_name_that_cannot_be_resolved_is_not_reachable(error: OSError):
    """One outcome for callers, without the name."""

    def resolve(host: str) -> list[str]:
        raise error

    with new_session(resolve) as session, pytest.raises(OutboundError, match=r"^not reachable$"):
        got(session, f"http://{LISTED}/fhir")


def test_a_name_server_that_is_silent_does_not_outlast_the_deadline():
    """A look-up cannot be timed out, so nobody waits for it."""
    answered, begun = threading.Event(), time.monotonic()

    def resolve(host: str) -> list[str]:
        answered.wait(5)
        return ["127.0.0.1"]

    with new_session(resolve) as session, pytest.raises(OutboundError, match="timed out"):
        get_json(session, "http://localhost/fhir", until=begun + 0.3)
    assert 2 > time.monotonic() - begun
    answered.set()


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..example"])
def test_what_is_no_name_is_not_reachable(host: str):
    """The system's own resolver raises other errors for these."""
    with new_session() as session, pytest.raises(OutboundError, match="not reachable"):
        got(session, f"http://{host}/fhir")


def test_nobody_at_home_is_not_reachable():
    """The port is closed, at every address."""
    with listening(always(b"")) as (url, _):
        pass
    with resolving(["127.0.0.1", "::1"]) as (session, _), pytest.raises(OutboundError, match="not reachable"):
        got(session, renamed(url, "localhost"))


def own_address() -> str:
    """An address of this machine that is not loopback; skips where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has loopback only")
        return str(probe.getsockname()[0])


def test_a_host_with_an_address_inside_is_reached_under_its_own_name():
    """The Host header is the URL's, though the connection goes to a number."""
    address, heard = own_address(), Heard(http(b"{}"))
    with listening(heard, address) as (url, _), resolving([address]) as (session, asked):
        assert {} == got(session, renamed(url, LISTED))
    assert [LISTED] == asked
    assert f"\r\nHost: {LISTED}:" in heard.requests[0]
