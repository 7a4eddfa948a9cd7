"""`retention topics`: do the topics exist that this product reads and writes?"""

from consumers.cli.console import await_, counted, out, settings


def topics() -> None:
    """Create the Kafka topics that do not exist yet, with the settings that replay needs.

    Events are kept for ever, since numbers are rebuilt from them, and carry the broker's time. Partitions and copies are
    RETENTION_PARTITIONS and RETENTION_REPLICATION_FACTOR. A topic that exists is left as it is, so this may run at every start.

    Examples:

        RETENTION_KAFKA=kafka:9092 RETENTION_PARTITIONS=12 retention topics
    """
    await_(_topics())


async def _topics() -> None:
    from consumers.kafka import DEAD_LETTERS, REVISIONS, Kafka
    from stream.events.schema import TOPICS

    found = settings("kafka")
    async with Kafka(found) as kafka:
        created = set(await kafka.ensure_topics())
        present = await kafka.partitions((*TOPICS, DEAD_LETTERS, REVISIONS))
    for topic, partitions in present.items():
        word = "created" if topic in created else "was there"
        out.print(f"{found.topic(topic)}: {counted(partitions, 'partitions')}, {word}", soft_wrap=True)
