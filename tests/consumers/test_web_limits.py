"""Limits of a role that listens: slow clients, too many of them, headers, names, and what browsers are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from consumers.settings import Settings
from consumers.web import REQUEST_BYTES_MAX, Served, probes, serve, serve_probes
from consumers.web_limits import HEADERS, Limits, host_name
from tests.waiting import wait_until

Start = Callable[[Limits], Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    started: list[Served] = []

    async def role(limits: Limits) -> Served:
        started.append(
            await serve_probes(
                "127.0.0.1",
                0,
                healthy=lambda: None,
                ready=lambda: None,
                render=lambda: b"up 1\n",
                limits=limits,
            )
        )
        return started[-1]

    yield role
    for one in started:
        await one.stop()


async def said(served: Served, request: bytes) -> bytes:
    """What is answered until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow:"])
async def test_a_client_that_never_finishes_its_headers_is_closed(start: Start, begun: bytes) -> None:
    served = await start(Limits(idle_seconds=0.1))
    assert await said(served, begun) == b""


async def test_a_client_that_sends_byte_by_byte_gains_no_time(start: Start) -> None:
    served = await start(Limits(idle_seconds=0.3))
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")

    async def closed() -> bool:
        writer.write(b"a")
        return reader.at_eof() or writer.is_closing()

    waiting = asyncio.create_task(reader.read())
    await wait_until(closed, 5)
    (got,) = await asyncio.gather(waiting, return_exceptions=True)
    assert got == b"" or isinstance(got, ConnectionError)
    writer.close()


async def test_while_many_connections_do_nothing_others_are_answered(start: Start) -> None:
    served = await start(Limits())
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(200)]
    assert (await said(served, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200")
    for _, writer in idle:
        writer.close()


async def test_one_connection_too_many_is_told_and_closed_and_the_others_stay(start: Start) -> None:
    served = await start(Limits(connections_max=2))
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    kept = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(2)]
    for reader, writer in kept:
        writer.write(ask)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert (await said(served, ask)).startswith(b"HTTP/1.1 503")
    kept.pop()[1].close()
    one_more = b"GET /healthz HTTP/1.0\r\n\r\n"

    async def answered() -> bool:
        return b"200" in (await said(served, one_more))[:16]

    await wait_until(answered, 5)
    kept.pop()[1].close()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 200 + b"\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"400",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
    ids=["long line", "long header", "many headers", "two lengths", "length and chunks", "TLS"],
)
async def test_a_request_that_is_too_large_or_ambiguous_is_refused(
    start: Start, request_: bytes, status: bytes
) -> None:
    said_ = await said(await start(Limits()), request_)
    assert said_.split(b" ")[1] == status
    assert b"Traceback" not in said_


async def test_a_body_has_a_limit() -> None:
    async def length(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = probes(healthy=lambda: None, ready=lambda: None, render=lambda: b"")
    app.router.add_post("/length", length)
    served = await serve(app, "127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession() as client:
            for size, status in ((REQUEST_BYTES_MAX, 200), (REQUEST_BYTES_MAX + 1, 413)):
                async with client.post(f"{served.url}/length", data=b"x" * size) as response:
                    assert response.status == status
    finally:
        await served.stop()


@pytest.mark.parametrize(
    ("host", "names", "answered"),
    [
        ("127.0.0.1:8080", (), True),
        ("localhost", (), True),
        ("page.localhost:1", (), True),
        ("[::1]:8080", (), True),
        ("192.0.2.7", (), True),
        ("", (), True),
        ("evil.example", (), False),
        ("evil.example:8080", ("retention.example.com",), False),
        ("localhost.evil.example", (), False),
        ("127.0.0.1.evil.example", (), False),
        ("Retention.Example.com.:443", ("retention.example.com",), True),
    ],
)
async def test_a_role_of_this_machine_answers_to_its_own_names_only(
    start: Start, host: str, names: tuple[str, ...], answered: bool
) -> None:
    served = await start(Limits.of(Settings(http_names=names)))
    async with aiohttp.ClientSession() as client:
        for path in ("/healthz", "/metrics", "/nothing"):
            async with client.get(served.url + path, headers={"Host": host}) as response:
                assert (response.status != 421) == answered
                if not answered:
                    assert response.content_type == "application/problem+json"
                    assert "RETENTION_HTTP_NAMES" in (await response.json())["detail"]


def test_a_role_that_others_reach_answers_to_any_name_unless_they_are_named() -> None:
    assert Limits.of(Settings(http_host="0.0.0.0")).misdirected("api:8080") is None
    named = Limits.of(Settings(http_host="0.0.0.0", http_names="api,retention.example.com"))
    assert named.misdirected("API:8080") is None
    assert named.misdirected("10.0.0.5:8080") is None, "probes ask by address"
    assert named.misdirected("evil.example")


def test_the_name_of_a_host_is_without_its_port() -> None:
    names = {"A.b:80": "a.b", "[::1]:80": "::1", "[::1]": "::1", "::1": "", "a.b.": "a.b", "": ""}
    assert {host: host_name(host) for host in names} == names


async def test_every_answer_tells_browsers_to_run_frame_and_guess_nothing(start: Start) -> None:
    served = await start(Limits(metrics_key="k"))
    async with aiohttp.ClientSession() as client:
        for method, path in (
            ("GET", "/healthz"),
            ("GET", "/metrics"),
            ("GET", "/nothing"),
            ("PUT", "/readyz"),
        ):
            async with client.request(method, served.url + path) as response:
                assert {name: response.headers[name] for name in HEADERS} == HEADERS
                assert response.headers["Server"] == "retention"


async def test_the_key_of_the_metrics_is_asked_for_by_every_role(start: Start) -> None:
    served = await start(Limits.of(Settings(metrics_key="k" * 20)))
    async with aiohttp.ClientSession() as client:
        for key, status in (("k" * 20, 200), ("other", 401)):
            shown = {"Authorization": f"Bearer {key}"}
            async with client.get(f"{served.url}/metrics", headers=shown) as response:
                assert response.status == status
        async with client.get(f"{served.url}/metrics") as response:
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "k" * 20 not in repr(Limits.of(Settings(metrics_key="k" * 20)))
