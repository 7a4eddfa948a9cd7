"""Does Redis keep what it is given, and is it counted as these settings say? Memory, files, versions, clock, identity."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consumers import stores
from consumers.doctor.findings import Finding, ok, warning, wrong
from consumers.identity import identity
from consumers.settings import Settings, variable
from stream.store.address import is_cluster
from stream.store.protocol import (
    IdentityMismatch,
    Partition,
    Position,
    StoreRefused,
    StoreUnavailable,
    smallest,
)
from stream.store.servers import ServerState

OLDEST_REDIS = (7, 0)
_OLDEST = ".".join(map(str, OLDEST_REDIS))
SKEW_MS_MAX = 5_000
FULL_RATIO = 0.85
CLUSTER_SHARDS_MIN = 8
LISTPACK_ENTRIES_MIN = 128
LISTPACK_VALUE_BYTES_MIN = 64
_OF_RECORDS = ("applied", "dead_letters", "erased")


class Counted(NamedTuple):
    """How far Redis has counted: what holds in every shard, and in the first one, with whose positions the totals move.

    records   how many records were ever counted, of whatever log: events that apply, dead letters and erased ones
    """

    positions: Mapping[Partition, Position]
    first: Mapping[Partition, Position]
    records: int

    def of_other_logs(self, log_id: str) -> int:
        """How many records, at least, were counted of other logs than this one."""
        return max(0, self.records - sum(at.next for at in self.first.values() if at.log_id == log_id))


async def store_findings(settings: Settings, now_ms: int) -> tuple[list[Finding], Counted | None]:
    """Everything about Redis, and how far it has counted where it answers."""
    store = stores.connect(settings, timeout_seconds=5.0)
    try:
        servers = await store.servers()
        stored = await store.stored_identity()
        totals = await store.totals()  # before the positions, which may move meanwhile
        shards = await store.shard_positions()
    except IdentityMismatch as error:
        return [wrong("redis", str(error), "set RETENTION_REDIS_URL as it says")], None
    except StoreRefused as error:
        return [wrong("redis", str(error), stores.hint(settings))], None
    except StoreUnavailable as error:
        return [
            wrong("redis", f"gives no answer: {error}", "start it, or set RETENTION_REDIS_URL to where it is")
        ], None
    finally:
        await store.aclose()
    found = [finding for server in servers for finding in _server(server, now_ms)]
    counted = Counted(smallest(shards), shards[0], sum(totals.get(name, 0) for name in _OF_RECORDS))
    return [*found, *_cluster(settings, servers), *_identity(settings, stored)], counted


def _server(server: ServerState, now_ms: int) -> list[Finding]:
    mib = server.used_bytes >> 20
    found = [ok("redis", f"{server.name} answers: {server.version}, {mib:,} MiB")]
    numbers = re.match(r"Redis (\d+)\.(\d+)", server.version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_REDIS:
        found = [
            wrong("redis", f"{server.name} is {server.version}", f"{_OLDEST} or newer is needed, or Valkey")
        ]
    return [*found, *_memory(server), *_files(server), *_listpacks(server), *_clock(server, now_ms)]


def _memory(server: ServerState) -> list[Finding]:
    if server.policy != "noeviction":
        return [
            (wrong if server.max_bytes else warning)(
                "redis memory",
                f"{server.name} has maxmemory-policy {server.policy}: full, it throws numbers away",
                "CONFIG SET maxmemory-policy noeviction, and in its file",
            )
        ]
    if server.max_bytes and server.used_bytes > FULL_RATIO * server.max_bytes:
        share = server.used_bytes / server.max_bytes
        return [
            wrong(
                "redis memory",
                f"{server.name} is {share:.0%} full; then counting waits",
                "raise maxmemory",
            )
        ]
    said = f"limit {server.max_bytes >> 20:,} MiB" if server.max_bytes else "no limit but the machine's"
    return [ok("redis memory", f"{server.name}: noeviction, {said}")]


def _files(server: ServerState) -> list[Finding]:
    if server.problem:
        return [
            wrong(
                "redis files",
                f"{server.name}: {server.problem} failed",
                "its log says why",
            )
        ]
    if server.settings is None:
        return [ok("redis files", f"{server.name} does not show its settings to this user")]
    aof, rdb = server.settings.get("appendonly") == "yes", bool(server.settings.get("save"))
    if aof:
        return [
            ok("redis files", f"{server.name}: append-only file, fsync {server.settings.get('appendfsync')}")
        ]
    if rdb:
        return [
            warning(
                "redis files",
                f"{server.name} has snapshots only: a crash costs a replay",
                "CONFIG SET appendonly yes, and in its file",
            )
        ]
    return [
        warning(
            "redis files",
            f"{server.name} keeps nothing on disk: every restart is a replay of the whole log",
            "CONFIG SET appendonly yes, and in its file",
        )
    ]


def _listpacks(server: ServerState) -> list[Finding]:
    if server.settings is None:
        return []
    entries = int(server.settings.get("hash-max-listpack-entries", LISTPACK_ENTRIES_MIN))
    value = int(server.settings.get("hash-max-listpack-value", LISTPACK_VALUE_BYTES_MIN))
    if entries < LISTPACK_ENTRIES_MIN or value < LISTPACK_VALUE_BYTES_MIN:
        return [
            warning(
                "redis listpacks",
                f"{server.name}: hash-max-listpack-entries {entries}, -value {value}: users take several times the memory",
                f"CONFIG SET hash-max-listpack-entries 512 and hash-max-listpack-value {LISTPACK_VALUE_BYTES_MIN}",
            )
        ]
    return [ok("redis listpacks", f"{server.name}: {entries} entries of up to {value} bytes")]


def _clock(server: ServerState, now_ms: int) -> list[Finding]:
    if server.now_ms is None:
        return []
    skew = server.now_ms - now_ms
    if abs(skew) > SKEW_MS_MAX:
        return [
            warning(
                "clock",
                f"{server.name} is {abs(skew) / 1000:.0f} s {'ahead of' if skew > 0 else 'behind'} this machine",
                "let NTP set both; as_of and complete cells follow the clock of the API",
            )
        ]
    return [ok("clock", f"{server.name} and this machine agree within {SKEW_MS_MAX // 1000} s")]


def _cluster(settings: Settings, servers: Sequence[ServerState]) -> list[Finding]:
    if not is_cluster(settings.redis_url.get_secret_value()):
        return []
    found = []
    if settings.shards < CLUSTER_SHARDS_MIN:
        found.append(
            warning(
                "shards",
                f"{settings.shards} shard(s) on {len(servers)} masters: some hold nothing",
                "RETENTION_SHARDS=16 before the first event; later it is a rebuild",
            )
        )
    if alone := [server.name for server in servers if not server.replicas]:
        found.append(
            warning(
                "replicas",
                f"{', '.join(alone)} has none: when it is away, counting waits",
                "give every master a replica",
            )
        )
    return found or [ok("cluster", f"{len(servers)} masters with replicas, {settings.shards} shards")]


def _identity(settings: Settings, stored: Sequence[Mapping[str, str]]) -> list[Finding]:
    ours, first = identity(settings), stored[0]
    if not first:
        return [ok("identity", "there are no numbers yet")]
    found = []
    for name, value in ours.items():
        if name in first and first[name] != value:
            found.append(
                wrong(
                    "identity",
                    f"the numbers were counted with {name}={first[name]}, these settings have {value}",
                    "set it back, or rebuild: an empty Redis and a replay (docs/operations.md)",
                )
            )
    for name, zone in first.items():
        if name.startswith("zone:") and settings.zone_name(name[5:]) != zone:
            found.append(
                wrong(
                    "identity",
                    f"app {name[5:]} was counted in {zone}, these settings say {settings.zone_name(name[5:])}",
                    f"{variable('timezones')}={name[5:]}={zone}, or rebuild (docs/operations.md)",
                )
            )
    if not found and not all(stored):
        found.append(
            wrong(
                "identity",
                "some shards hold nothing: a server was emptied",
                "start the workers",
            )
        )
    return found or [ok("identity", "the numbers were counted under these settings")]
