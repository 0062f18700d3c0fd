"""Which addresses may be connected to, judged by the address itself and not by the name that led to it."""

import tomllib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

Address = IPv4Address | IPv6Address
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64 (RFC 6052 2.1): where a network has IPv6 only, IPv4 addresses stand in the last 32 bits of these."""


class AddressRefused(Exception):
    """A name led to no address that may be connected to; says the kind of address, and no name."""


def allowed(host: str, addresses: Iterable[str]) -> list[str]:
    """Those of a host's addresses that may be connected to, in their order, as plain numeric text.

    ``host`` is the name in a configured URL. Raises `AddressRefused` where none may.
    """
    judged = [(address, refusal(host, address)) for address in addresses]
    may = [str(ip_address(address)) for address, why in judged if why is None]
    if not may:
        raise AddressRefused(judged[0][1] if judged else "no address")
    return may


def refusal(host: str, address: str) -> str | None:
    """Why ``host`` may not be reached at ``address``; None where it may.

    A listed host may be private. Loopback is for the hosts that name it, and for them nothing else
    is: a name that somebody's resolver turns to 127.0.0.1 does not reach what listens here only.
    """
    try:
        judged = _embedded(ip_address(address))
    except ValueError:
        return "no address"
    if why := next((why for network, why in NEVER if judged in network), None):
        return why
    if judged.is_loopback != names_loopback(host):
        return "loopback" if judged.is_loopback else "not loopback"
    return None


def names_loopback(host: str) -> bool:
    """True where a URL's host is ``localhost`` or a loopback address itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _embedded(address: Address) -> Address:
    """The IPv4 address that a NAT64 address stands for; any other as it is."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _never() -> tuple[tuple[IPv4Network | IPv6Network, str], ...]:
    """Each network that is never connected to, and what it is."""
    table = tomllib.loads(Path(__file__).with_name("addresses.toml").read_text("utf-8"))
    return tuple((ip_network(row["network"]), row["why"]) for row in table["never"])


NEVER = _never()
