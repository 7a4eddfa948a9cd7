"""How do brokers, topics and the group of the workers stand? Questions that only the doctor asks."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from consumers.kafka_access import client_options, no_start, unavailable
from consumers.settings import Settings

_COORDINATOR_TRIES, _COORDINATOR_SECONDS = 20, 0.5


class GroupState(NamedTuple):
    """State of a consumer group as Kafka names it, and how many workers are in it."""

    state: str
    members: int


class KafkaState:
    """`async with KafkaState(settings) as state`. Raises KafkaUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)

    async def __aenter__(self) -> "KafkaState":
        try:
            await self._admin.start()
        except (KafkaError, OSError) as error:
            await self._admin.close()
            raise await no_start(self._settings, error) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def brokers(self) -> int:
        """How many there are."""
        return len((await self._asked(self._admin.describe_cluster()))["brokers"])

    async def copies(self, topics: Iterable[str]) -> dict[str, int]:
        """Of each topic (without prefix) how many brokers are to hold it, and at least hold it just now."""
        wanted = {self._settings.topic(topic): topic for topic in topics}
        return {
            wanted[one["topic"]]: min((len(part["isr"]) for part in one["partitions"]), default=0)
            for one in await self._asked(self._admin.describe_topics())
            if one["topic"] in wanted
        }

    async def topic_settings(self, topics: Iterable[str]) -> dict[str, dict[str, str]] | None:
        """The settings of topics (without prefix) by name; None where the broker does not tell."""
        names = {self._settings.topic(topic): topic for topic in topics}
        try:
            answers = await self._admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
            )
        except (KafkaError, OSError):
            return None
        found: dict[str, dict[str, str]] = {}
        for answer in answers:
            for code, _, _, name, entries in answer.resources:
                if code == 0 and name in names:
                    found[names[name]] = {entry[0]: entry[1] or "" for entry in entries}
        return found if all(found.get(topic) for topic in names.values()) else None

    async def group(self) -> GroupState | None:
        """The group of the workers; None where the broker does not tell."""
        for _ in range(_COORDINATOR_TRIES):
            try:
                answers = await self._admin.describe_consumer_groups([self._settings.group])
                break
            except GroupCoordinatorNotAvailableError:
                # A Kafka that never had a group makes room for them.
                await asyncio.sleep(_COORDINATOR_SECONDS)
            except (KafkaError, OSError):
                return None
        else:
            return None
        for answer in answers:
            for code, group, state, _, _, members, *_ in answer.groups:
                if code == 0 and group == self._settings.group:
                    return GroupState(state, len(members))
        return None

    async def _asked(self, question: Awaitable[Any]) -> Any:
        try:
            return await question
        except (KafkaError, OSError) as error:
            raise unavailable(self._settings, error) from None
