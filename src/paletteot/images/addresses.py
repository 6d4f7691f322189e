"""Which addresses may be asked for photographs: those of the public internet, unless it is told otherwise."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Iterable

import httpcore2 as httpcore

from paletteot.images.reasons import reason

ALLOW = "PALETTEOT_ALLOW_PRIVATE"
"""Environment variable: 1 allows every address, for tests and mirrors."""

NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublicError(Exception):
    """A host whose address is private, loopback, link-local or reserved; the message is one line."""


def allowed() -> bool:
    """Return whether the environment allows every address."""
    return os.environ.get(ALLOW) == "1"


def check(host: str, addresses: Iterable[str]) -> list[str]:
    """Return the addresses of a host, of version 4 first; raises NotPublicError where one is not public."""
    found = [ipaddress.ip_address(address) for address in addresses]
    for address in found:
        if not all(map(_public, _meant(address))):
            is_it = "is" if str(address) == host else f"has the address {address},"
            raise NotPublicError(f"{host} {is_it} not of the public internet; {ALLOW}=1 allows it")
    return [str(address) for address in sorted(found, key=lambda address: address.version)]


def check_literal(host: str) -> None:
    """Raise NotPublicError for a host that is written as an address which is not public; any name will do."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return
    check(str(address), [str(address)])


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host; raises NotPublicError where one is not public, OSError where there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return check(host, dict.fromkeys(str(address[0]) for *_, address in found))


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to public addresses alone: to those that were checked, whatever a name server would say next."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        """Connect to the first address of a host that answers."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await resolved(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host}: no address in time") from None
        except OSError as error:
            raise httpcore.ConnectError(reason(error)) from None
        for left, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not left:
                    raise
        raise httpcore.ConnectError(f"{host}: no address")


def _public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _meant(address: Address) -> list[Address]:
    """Return an address, and those of version 4 that it leads to, or stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *(inner for inner in (address.sixtofour, *(address.teredo or ())) if inner is not None)]
