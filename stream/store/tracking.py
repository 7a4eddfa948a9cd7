"""Which of the keys that were read have changed since? A connection on which the server says so by itself (CLIENT TRACKING).

It says so before it answers anything that is asked afterwards on the same connection. So when an answer is here, whatever was read
before and has not been called fallen is what it would be if it were read in the moment of that answer.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import redis.asyncio as aioredis
from redis.exceptions import ConnectionError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

Command = Sequence[Any]
Fall = Callable[[list[bytes] | None], None]

# What a tracked connection needs beside the settings of the store's own ones.
OPTIONS: dict[str, Any] = {
    "protocol": 3,
    "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    "socket_read_size": 1 << 18,
}


class TrackingRefused(Exception):
    """The server does not track keys for us: it cannot, or we may not ask it to."""


class _Fallen(NamedTuple):
    """Keys that have changed; None: any may have."""

    keys: list[bytes] | None


class TrackedConnection:
    """One connection, opened when it is first needed and again after it broke; one caller at a time.

    Args:
        client: what to connect to, with the OPTIONS.
        fall: is told keys that have changed, and None whenever nothing that was read can be relied on any more.
    """

    def __init__(self, client: "aioredis.Redis", fall: Fall) -> None:
        self._client, self._fall = client, fall
        self._connection: Any = None

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers of some commands that only read, all of one moment. Raises TrackingRefused, RedisError, OSError."""
        if self._connection is not None:
            try:
                return await self._ask(commands)
            except (ConnectionError, OSError):
                pass  # It may have been idle for long, and the server have been restarted meanwhile.
        self._connection = await self._connected()
        return await self._ask(commands)

    async def _connected(self) -> Any:
        pool: Any = self._client.connection_pool
        connection: Any = pool.make_connection()
        connection._parser.set_invalidation_push_handler(_told)
        try:
            await connection.connect()
            await connection.send_command("CLIENT", "TRACKING", "ON")
            await connection.read_response()
        except ResponseError as error:
            await connection.disconnect(nowait=True)
            raise TrackingRefused(str(error)) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connection
        try:
            await connection.send_packed_command(
                connection.pack_commands([("MULTI",), *commands, ("EXEC",)]), check_health=False
            )
            for _ in range(len(commands) + 1):
                await self._answer()
            answers: list[Any] = await self._answer()
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            return answers
        except BaseException:
            await self.drop()
            raise

    async def _answer(self) -> Any:
        """The next answer; what the server says by itself before it is told."""
        while True:
            answer = await self._connection.read_response(push_request=True)
            if answer is None:
                raise ConnectionError("the server said something by itself that was not understood")
            if not isinstance(answer, _Fallen):
                return answer
            self._fall(answer.keys)

    async def drop(self) -> None:
        """Closes the connection; what was read on it is told no more."""
        connection, self._connection = self._connection, None
        self._fall(None)
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def aclose(self) -> None:
        """Closes it for good."""
        await self.drop()
        await self._client.aclose()


async def _told(pushed: Sequence[Any]) -> _Fallen:
    return _Fallen(pushed[1])
