"""Rules of the test servers themselves: real, empty, restartable, gone at the end."""

import asyncio
from collections.abc import Callable

import psutil
import pytest

from tests.servers import ApacheKafka, Broker, Valkey
from tests.waiting import Proxy, wait_until


def test_a_valkey_answers_and_is_empty(valkey: Valkey) -> None:
    assert valkey.ask("DBSIZE") == ":0\r\n"
    assert valkey.ask("SET", "a", "1") == "+OK\r\n"


def test_a_kept_valkey_has_its_data_after_a_kill(make_valkey: Callable[..., Valkey]) -> None:
    server = make_valkey(keep=True)
    server.ask("SET", "a", "1")
    server.kill()
    server.start()
    assert server.ask("GET", "a") == "$1\r\n1\r\n"


def test_a_server_that_was_killed_does_not_answer(valkey: Valkey) -> None:
    valkey.kill()
    assert valkey.ask("PING") == ""


def test_a_broker_has_another_log_after_a_restart(broker: Broker) -> None:
    before, port = broker.log_id, broker.port
    broker.restart()
    assert (broker.log_id != before, broker.port) == (True, port)


@pytest.mark.slow
def test_apache_kafka_comes_back_on_its_port_after_a_kill(kafka: ApacheKafka) -> None:
    port = kafka.port
    kafka.kill()
    kafka.start()
    assert kafka.port == port
    assert psutil.Process(kafka.pid).name() == "java"


async def test_a_proxy_passes_delays_cuts_and_refuses(valkey: Valkey) -> None:
    async with Proxy(valkey.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"

        proxy.latency_seconds = 0.05
        begin = asyncio.get_running_loop().time()
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"
        assert asyncio.get_running_loop().time() - begin >= 0.05

        proxy.refuse = True
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


async def test_a_stalled_proxy_keeps_connections_and_flows_again(valkey: Valkey) -> None:
    async with Proxy(valkey.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.stall = True
        writer.write(b"PING\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.1)
        proxy.stall = False
        assert await reader.readline() == b"+PONG\r\n"
        writer.close()


async def test_waiting_ends_with_what_the_condition_gave_or_with_a_reason() -> None:
    seen: list[int] = []

    async def third() -> int:
        seen.append(1)
        return len(seen) >= 3 and len(seen)

    assert await wait_until(third, 1) == 3
    with pytest.raises(AssertionError, match="the moon"):
        await wait_until(lambda: False, 0.05, what="the moon")
