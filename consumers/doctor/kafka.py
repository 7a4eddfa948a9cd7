"""Is Kafka such that every number can be rebuilt from it? Brokers, topics, how far back the log reaches, and who reads it."""

from collections.abc import Mapping

from consumers.doctor.findings import Finding, ok, warning, wrong
from consumers.doctor.store import Counted
from consumers.kafka import DEAD_LETTERS, REVISIONS, Kafka
from consumers.kafka_access import KafkaRefused, KafkaUnavailable
from consumers.kafka_state import GroupState, KafkaState
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.progress import behind
from stream.store.protocol import Partition

FOR_EVER = "-1"
SKEW_MS_MAX = 60_000
CENTURY_MS = 100 * 365 * 86_400_000
WORKING = ("Stable", "PreparingRebalance", "CompletingRebalance")
_NO_REBUILD = "numbers cannot be rebuilt from this one"
_KEEP_REDIS = (
    "keep Redis and its files, no FLUSHALL; nothing else, if Kafka is a new one (as that of retention up is)"
)


async def kafka_findings(settings: Settings, counted: Counted | None, now_ms: int) -> list[Finding]:
    """Everything about Kafka; `counted` is how far Redis is, None where it does not answer."""
    try:
        async with Kafka(settings) as kafka, KafkaState(settings) as state:
            brokers, log_id = await state.brokers(), await kafka.log_id()
            found = [
                ok(
                    "kafka",
                    f"{settings.kafka} answers: {brokers} broker(s), cluster {log_id or 'without id'}",
                )
            ]
            found += _topics(settings, await kafka.partitions((*TOPICS, DEAD_LETTERS, REVISIONS)))
            found += _kept(settings, await state.topic_settings(await kafka.partitions(TOPICS)))
            found += _copies(brokers, await state.copies(TOPICS))
            ends, begins = await kafka.end_offsets(TOPICS), await kafka.begin_offsets(TOPICS)
            later = await kafka.later(TOPICS, now_ms + SKEW_MS_MAX)
            # The embedded broker does not look at times: it would find something of the next century as well.
            found += _clock(settings, later - await kafka.later(TOPICS, now_ms + CENTURY_MS))
            group = await state.group()
    except KafkaRefused as error:
        return [
            wrong(
                "kafka",
                str(error),
                "give RETENTION_KAFKA_USERNAME, _PASSWORD and _SSL_CAFILE that Kafka knows",
            )
        ]
    except KafkaUnavailable as error:
        return [wrong("kafka", str(error), "start it, or change that")]
    if counted is not None:
        lag = behind(ends, counted.positions, log_id)
        found += [*_log(settings, begins, ends, counted, log_id), *_group(settings, group, lag)]
    return found


def _topics(settings: Settings, partitions: Mapping[str, int]) -> list[Finding]:
    missing = [
        settings.topic(topic) for topic in (*TOPICS, DEAD_LETTERS, REVISIONS) if topic not in partitions
    ]
    if missing:
        return [
            wrong(
                "topics",
                f"there is no {', '.join(missing)}",
                "retention topics (or start a worker) creates them",
            )
        ]
    counts = sorted({partitions[topic] for topic in TOPICS})
    said = "/".join(map(str, counts))
    if counts[-1] == 1:
        return [
            warning(
                "topics",
                "all are there, with one partition each",
                "more partitions let more than one worker count",
            )
        ]
    return [ok("topics", f"all {len(partitions)} are there, with {said} partitions")]


def _kept(settings: Settings, configs: Mapping[str, Mapping[str, str]] | None) -> list[Finding]:
    if configs is None:
        return [
            ok(
                "retention",
                "the broker does not tell the settings of topics (the embedded one keeps all, in memory)",
            )
        ]
    found = []
    for topic, config in sorted(configs.items()):
        name = settings.topic(topic)
        if "compact" in config.get("cleanup.policy", ""):
            found.append(
                wrong(
                    "retention",
                    f"{name} is compacted: events replace each other",
                    _alter(name, "cleanup.policy=delete"),
                )
            )
        for limit in ("retention.ms", "retention.bytes"):
            if (value := config.get(limit, FOR_EVER)) != FOR_EVER:
                found.append(
                    warning(
                        "retention",
                        f"{name} has {limit}={value}: older numbers cannot be rebuilt",
                        _alter(name, f"{limit}=-1"),
                    )
                )
        if config.get("message.timestamp.type") not in (None, "LogAppendTime"):
            found.append(
                warning(
                    "timestamps",
                    f"{name} has the producer's times: a wrong clock there makes events of the future count",
                    _alter(name, "message.timestamp.type=LogAppendTime"),
                )
            )
    return found or [ok("retention", "events are kept for ever, with the broker's time")]


def _alter(topic: str, config: str) -> str:
    return f"kafka-configs.sh --alter --topic {topic} --add-config {config}"


def _copies(brokers: int, copies: Mapping[str, int]) -> list[Finding]:
    fewest = min(copies.values(), default=0)
    if brokers > 1 and fewest < 2:
        return [
            wrong(
                "copies",
                "a topic stands on one broker only",
                "give it 3 copies (kafka-reassign-partitions.sh)",
            )
        ]
    return [ok("copies", f"every partition stands on {fewest} of {brokers} broker(s)")]


def _clock(settings: Settings, later: set[Partition]) -> list[Finding]:
    if later:
        topics = ", ".join(sorted({settings.topic(topic) for topic, _ in later}))
        return [
            warning(
                "clock",
                f"{topics} has records more than {SKEW_MS_MAX // 1000} s from now: a broker's or a producer's clock is ahead",
                "let NTP set it; what is from after tomorrow is refused as `future` only by Kafka's own clock",
            )
        ]
    return [ok("clock", "no record in Kafka is from later than now")]


def _log(
    settings: Settings,
    begins: Mapping[Partition, int],
    ends: Mapping[Partition, int],
    counted: Counted,
    log_id: str,
) -> list[Finding]:
    positions = counted.positions
    known = {where: at.next for where, at in positions.items() if at.log_id == log_id}
    if positions and not known:
        other = next(iter(positions.values())).log_id
        return [
            warning(
                "log",
                f"the numbers were counted from cluster {other}, this one is {log_id}: {_NO_REBUILD}",
                _KEEP_REDIS,
            )
        ]
    cut = [where for where, begin in begins.items() if begin > known.get(where, 0)]
    if cut:
        names = ", ".join(f"{settings.topic(topic)}[{partition}]" for topic, partition in sorted(cut))
        return [
            wrong(
                "log",
                f"{names} begins after what is counted",
                "send them again (retention import); longer retention",
            )
        ]
    short = [where for where, begin in begins.items() if begin > 0]
    if short:
        return [
            warning(
                "log",
                f"{len(short)} partition(s) have lost their begin: numbers cannot be rebuilt from zero",
                "restore only snapshots that are younger than the begin of the log",
            )
        ]
    beyond = [where for where, at in known.items() if at > ends.get(where, at)]
    if beyond:
        return [
            warning(
                "log",
                "Redis has counted further than the log goes: another log",
                "nothing, if topics were made anew",
            )
        ]
    if elsewhere := counted.of_other_logs(log_id):
        return [
            warning(
                "log",
                f"{elsewhere:,} of {counted.records:,} counted records are of an earlier log: {_NO_REBUILD}",
                _KEEP_REDIS,
            )
        ]
    return [ok("log", "it begins at 0: every number can be rebuilt from it")]


def _group(settings: Settings, group: GroupState | None, lag: int) -> list[Finding]:
    said = f"{lag:,} record(s) are not counted yet"
    if group is not None and group.state not in WORKING:
        do = "start retention worker"
        return [(wrong if lag else warning)("workers", f"none is in group {settings.group}; {said}", do)]
    who = (
        "the broker does not tell who counts"
        if group is None
        else f"{group.members} in group {settings.group}"
    )
    return [ok("workers", f"{who}; {said}")]
