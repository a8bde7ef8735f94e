"""Which addresses a request may go to, whatever they are written as."""

from __future__ import annotations

import pytest

from engine.steps.http_addresses import AddressError, allowed_addresses, is_link_local, resolve_by_system


@pytest.mark.parametrize(
    "address",
    [
        "169.254.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "febf::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "what is this",
        "",
    ],
)
def test_these_are_refused(address: str) -> None:
    assert is_link_local(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "93.184.216.34",
        "169.253.255.255",
        "169.255.0.0",
        "100.64.0.1",
        "fd00::1",
        "fec0::1",
        "2606:2800:220:1:248:1893:25c8:1946",
        "::ffff:127.0.0.1",
        "64:ff9b::808:808",
    ],
)
def test_these_are_not(address: str) -> None:
    assert not is_link_local(address)


async def test_the_system_knows_this_machine() -> None:
    assert await resolve_by_system("127.0.0.1", 80) == ["127.0.0.1"]
    assert set(await resolve_by_system("localhost", 80)) & {"127.0.0.1", "::1"}


async def test_a_host_without_addresses() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return []

    with pytest.raises(AddressError, match="has no address; check the name"):
        await allowed_addresses("empty.test", 80, resolve, allow_link_local=False)
