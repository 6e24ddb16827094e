"""A scan looks outside for real: at a TLS server's certificate, at a clock, at our address, at a call-back."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tongdan.adapters.clock import SystemClock
from tongdan.adapters.health_probes import NetworkProbes, NoProbes
from tongdan.adapters.transport import HttpTransport


def certificate(folder: Path, until: datetime) -> ssl.SSLContext:
    """A server's context with a certificate of its own making, good until then."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner.example.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=90))
        .not_valid_after(until)
        .sign(private, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        made.public_bytes(Encoding.PEM)
        + private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


@asynccontextmanager
async def serving(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Its port; whoever asks gets `answer` and is hung up on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4_096)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close"]
    return (
        "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()
        + body
    )


@asynccontextmanager
async def probes(address_from: str = "") -> AsyncIterator[NetworkProbes]:
    async with HttpTransport() as transport:
        yield NetworkProbes(transport, SystemClock(), address_from, {})


@pytest.mark.parametrize("days", [3, -2])
async def test_the_end_of_a_certificate_is_read_in_a_handshake_also_of_one_that_has_expired(
    tmp_path: Path, days: int
) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    async with serving(b"", certificate(tmp_path, until)) as port, probes() as look:
        assert (await look.certificate("127.0.0.1", port)).until == until


async def test_a_host_that_shows_no_certificate_is_unknown_and_says_why() -> None:
    async with serving(b"hello\r\n") as port, probes() as look:
        for at in (port, 9):  # no TLS, nobody
            seen = await look.certificate("127.0.0.1", at)
            assert seen.until is None and seen.why


@pytest.mark.parametrize("ahead_s", [-300, 0, 90])
async def test_how_far_our_clock_is_ahead_of_a_partners(ahead_s: int) -> None:
    theirs = format_datetime(datetime.now(UTC) - timedelta(seconds=ahead_s), usegmt=True)
    async with serving(http("404 Not Found", Date=theirs)) as port, probes() as look:
        told = await look.ahead_s(f"http://127.0.0.1:{port}/some/api")
        assert told is not None and abs(told - ahead_s) < 30


async def test_a_clock_nobody_tells_is_unknown() -> None:
    async with probes() as look:
        assert await look.ahead_s("http://127.0.0.1:9/") is None
        for answer in (
            http("200 OK"),
            http("200 OK", Date="yesterday"),
            http("200 OK", Date="1 Jan 2026 00:00:00"),
        ):
            async with serving(answer) as port:
                assert await look.ahead_s(f"http://127.0.0.1:{port}/") is None


@pytest.mark.parametrize(
    ("answer", "address"),
    [
        (http("200 OK", b"203.0.113.7\n"), "203.0.113.7"),
        (http("200 OK", b"2001:db8::1"), "2001:db8::1"),
        (http("200 OK", b"<html>"), None),
        (http("500 Oh", b"203.0.113.7"), None),
    ],
)
async def test_our_address_as_others_see_it(answer: bytes, address: str | None) -> None:
    async with serving(answer) as port, probes(f"http://127.0.0.1:{port}/") as look:
        assert await look.address() == address
    async with probes() as look:
        assert await look.address() is None


async def test_a_callback_that_answers_is_fine_one_that_fails_says_how() -> None:
    async with probes() as look:
        for status, told in (("200 OK", ""), ("404 Not Found", ""), ("502 Bad Gateway", "HTTP 502")):
            async with serving(http(status)) as port:
                assert await look.callback(f"http://127.0.0.1:{port}/health") == told
        assert await look.callback("http://127.0.0.1:9/")


async def test_a_replay_sees_nothing_and_takes_nothing_for_fine() -> None:
    look = NoProbes()
    assert (await look.certificate("a", 443)).until is None
    found = [
        await look.ahead_s("u"),
        await look.address(),
        await look.callback("u"),
        await look.warm("t", {}),
    ]
    assert found == [None] * 4
