"""Where a request may go: to public addresses, and to what the operator allows besides."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Its last 32 bits are an IPv4 address that a gateway translates to (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


class NoSuchHost(Exception):  # noqa: N818 - a state of the world, not a mistake in the code
    """The name cannot be resolved at the moment."""


class Forbidden(Exception):  # noqa: N818
    """The name leads only to addresses that no request may go to."""


def permitted(
    host: str, port: int, networks: Sequence[Network], *, encrypted: bool
) -> tuple[Address, ...]:
    """Resolve a name and return the addresses that may be connected to.

    The connection has to be made to what is returned, not to the name: the next answer of the
    name's server may be another one (DNS rebinding).

    Parameters
    ----------
    networks
        Allowed besides public addresses.
    encrypted
        Without TLS only ``networks`` are allowed.

    Raises
    ------
    NoSuchHost
        If the name cannot be resolved.
    Forbidden
        If none of its addresses may be connected to.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoSuchHost from None
    # without the zone that a link-local address may carry
    addresses = dict.fromkeys(ip_address(str(each[4][0]).split("%")[0]) for each in found)
    allowed = tuple(
        address
        for address in addresses
        if _within(address, networks) or (encrypted and is_public(address))
    )
    if not allowed:
        raise Forbidden
    return allowed


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(_plain(address) in network for network in networks)


def is_public(address: Address) -> bool:
    """Whether an address can be a stranger's on the internet.

    An IPv6 address that stands for an IPv4 address is judged by that one too.

    Examples
    --------
    >>> for text in ("1.1.1.1", "127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1",
    ...              "2606:4700::1111", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1", "0.0.0.0"):
    ...     print(text, is_public(ip_address(text)))
    1.1.1.1 True
    127.0.0.1 False
    10.0.0.1 False
    169.254.169.254 False
    ::ffff:127.0.0.1 False
    2606:4700::1111 True
    64:ff9b::7f00:1 False
    2002:7f00:1:: False
    fe80::1 False
    0.0.0.0 False
    """
    plain = _plain(address)
    carried = _carried(plain)
    return (
        plain.is_global
        and not plain.is_multicast
        and not plain.is_reserved
        and all(is_public(each) for each in carried)
    )


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _carried(address: Address) -> tuple[Address, ...]:
    """Return the IPv4 addresses that a tunnel or gateway would make of an IPv6 address."""
    if not isinstance(address, IPv6Address):
        return ()
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return tuple(each for each in (address.sixtofour, *(address.teredo or ())) if each)
