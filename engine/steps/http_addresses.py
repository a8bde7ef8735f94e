"""Which addresses a request may go to: names are resolved here, once, and what the answer leads to is checked. Connecting is not here."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING, TypeAlias

from engine.steps.blocking import BlockingWork, NoThreadError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Resolve: TypeAlias = "Callable[[str, int], Awaitable[list[str]]]"
"""The addresses of a host as texts, best first. Raises OSError or UnicodeError if there are none."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where clouds answer with credentials, besides the link-local ones.
_METADATA = frozenset(ipaddress.ip_address(text) for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200"))


class AddressError(Exception):
    """There is no address to go to; the text is a sentence for a person. `is_refused` if there is one that may not be used."""

    def __init__(self, message: str, *, is_refused: bool = False) -> None:
        super().__init__(message)
        self.is_refused = is_refused


async def resolve_by_system(host: str, port: int) -> list[str]:
    """What this machine knows of a host; implements `Resolve`."""
    # In a thread that nobody waits for: an answer may take half a minute, and a program must not end later for that.
    work = BlockingWork(
        lambda _: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), name="opscope-resolve", grace_sec=0
    )
    try:
        found = await work.run()
    except NoThreadError as error:
        raise OSError(errno.EAGAIN, str(error)) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def allowed_addresses(host: str, port: int, resolve: Resolve, *, allow_link_local: bool) -> list[str]:
    """The addresses of a host that a request may go to. Raises AddressError if there is none.

    Whoever connects has to connect to one of these and not to the name again, which may lead elsewhere by then.
    """
    try:
        found = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else "it is no name of a host"
        raise AddressError(f"the host {host!r} cannot be found: {words}; check the address") from None
    if not found:
        raise AddressError(f"the host {host!r} has no address; check the name")
    allowed = [text for text in found if allow_link_local or not is_link_local(text)]
    if not allowed:
        raise AddressError(
            f"{host} leads to {found[0]}, which only this machine's own network or its cloud answers and where "
            "credentials are kept; set allow_link_local if that is meant",
            is_refused=True,
        )
    return allowed


def is_link_local(text: str) -> bool:
    """True for link-local, unspecified and metadata addresses, in whatever form of IPv6 an IPv4 one is wrapped."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return True  # what cannot be read cannot be allowed
    return any(_is_special(form) for form in forms_of(address))


def _is_special(address: Address) -> bool:
    return address.is_link_local or address.is_unspecified or address in _METADATA or _is_this_network(address)


def _is_this_network(address: Address) -> bool:
    return address.version == 4 and address.packed[0] == 0


def forms_of(address: Address) -> list[Address]:
    """The address, and those of IPv4 that it stands for."""
    forms: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        forms += [form for form in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if form]
        if address in _NAT64 or (address.packed[:12] == bytes(12) and int(address) > 1):
            forms.append(ipaddress.IPv4Address(address.packed[12:]))
    return forms
