"""The probes that every role has."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from consumers.web import CannotListen, Served, encode, encode_report, serve_probes


async def fetched(url: str, method: str = "GET") -> tuple[int, str, bytes]:
    async with aiohttp.ClientSession() as client, client.request(method, url) as response:
        return response.status, response.content_type, await response.read()


async def test_a_check_may_be_plain_or_a_coroutine_and_says_what_is_wrong() -> None:
    wrong: list[str | None] = [None]

    async def ready() -> str | None:
        return wrong[0]

    served = await serve_probes(
        "127.0.0.1", 0, healthy=lambda: wrong[0], ready=ready, render=lambda: b"x 1\n"
    )
    try:
        assert served.port
        for path, word in (("/healthz", b"healthy"), ("/readyz", b"ready")):
            assert (await fetched(served.url + path))[::2] == (200, b'{"status":"%b"}' % word)
        wrong[0] = "waiting for Kafka"
        for path in ("/healthz", "/readyz"):
            status, kind, body = await fetched(served.url + path)
            assert (status, kind) == (503, "application/problem+json")
            assert b'"detail":"waiting for Kafka"' in body
        assert (await fetched(served.url + "/metrics"))[::2] == (200, b"x 1\n")
        status, _, body = await fetched(served.url + "/")
        assert status == 404
        assert b"GET /healthz" in body
    finally:
        await served.stop()


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-123", True), ("", False), ("a b", False), ("x" * 65, False), ('a"}\\n', False)]
)
async def test_an_answer_and_its_log_carry_one_id(
    given: str, kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def healthy() -> str | None:
        seen.append(structlog.contextvars.get_contextvars()["request_id"])
        raise ValueError("a bug")

    served = await serve_probes("127.0.0.1", 0, healthy=healthy, ready=healthy, render=lambda: b"")
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.get(served.url + "/healthz", headers={"X-Request-ID": given}) as response,
        ):
            assert response.status == 500
            assert [response.headers["X-Request-ID"]] == seen
            assert (seen[0] == given) is kept
    finally:
        await served.stop()


async def test_a_port_that_is_taken_is_an_error_of_one_line() -> None:
    checks: dict[str, Any] = {"healthy": lambda: None, "ready": lambda: None, "render": lambda: b""}
    served = await serve_probes("127.0.0.1", 0, **checks)
    with pytest.raises(CannotListen) as taken:
        await serve_probes("127.0.0.1", served.port, **checks)
    assert str(taken.value) == (
        f"cannot listen on 127.0.0.1:{served.port}: address already in use; choose another port"
    )
    await served.stop()
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(CannotListen, match=rf"^cannot listen on {host}:0: [\w ]+; choose another host$"):
            await serve_probes(host, 0, **checks)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
    ],
)
async def test_the_url_can_be_opened_on_this_machine(host: str, url: str) -> None:
    assert Served(web.AppRunner(web.Application()), host, 80).url == url


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda more: st.lists(more, max_size=4) | st.dictionaries(st.text(max_size=4), more, max_size=4),
        max_leaves=12,
    )
)
def test_long_answers_say_the_same(value: Any) -> None:
    assert json.loads(encode_report(value)) == json.loads(encode(value)) == value


def test_long_answers_escape_what_no_utf_8_can_say() -> None:
    assert encode_report({"a": "\udcff", "b": 2**70}) == b'{"a":"\\udcff","b":1180591620717411303424}'


def test_json_is_utf_8_and_what_no_utf_8_can_say_is_escaped() -> None:
    assert encode({"ü": "\udcff", "x": [1, 0.1, None]}) == '{"ü":"\\udcff","x":[1,0.1,null]}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(float("nan"))
