"""Do the counters and bits still add up to the records? A recount from nothing, compared with everything that is stored.

Applies wait for it, by a lease that is renewed while it works and ends by itself should it die.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
from msgspec import Struct, field

from stream.retention.facts import facts
from stream.retention.scope import Scope
from stream.retention.summary import Summary, summarise
from stream.store.chunks import bitmap_of, members_of
from stream.store.codec import decode, is_apart
from stream.store.kept import decode_kept
from stream.store.protocol import Bitmap, Store, StoredUser
from stream.store.stored import decode_person, is_single

_K = TypeVar("_K", str, int)
LEASE_SECONDS = 30.0
_RENEW_USERS = 2_000


class AuditBusy(Exception):
    """Another audit holds the lease."""


class AuditReport(Struct):
    """What was compared, and every difference as one sentence.

    users   that are in some number
    silent  ids that are in none though something is stored for them: erased, or joined to another id
    """

    app: str
    users: int = 0
    silent: int = 0
    counters: int = 0
    bits: int = 0
    differences: list[str] = field(default_factory=list)


class _Recount(Struct):
    """What the records of one shard add up to."""

    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    ledgers: dict[str, dict[int, int]] = field(default_factory=dict)
    members: dict[str, list[int]] = field(default_factory=dict)


async def audit(
    store: Store, app: str, scope: Scope, *, progress: Callable[[int], None] = lambda ids: None
) -> AuditReport:
    """Recount one app. Raises AuditBusy; progress is told the number of ids read so far."""
    report = AuditReport(app)
    async with _lease(store):
        recounts = {shard: _Recount() for shard in range(store.shards)}
        async for user in store.stored_users(app):
            _add(recounts[user.shard], user, scope, report)
            read = report.users + report.silent
            if read % _RENEW_USERS == 0:
                progress(read)
                await _renew(store)
        counters = await store.stored_counters(app)
        await _renew(store)
        sets = await store.stored_sets(app)
        await _renew(store)
        ledgers = await store.stored_ledgers(app)
        await _renew(store)
    for shard, recount in recounts.items():
        _compare_numbers(shard, "counter", recount.counters, counters[shard], report)
        _compare_numbers(shard, "ledger", recount.ledgers, ledgers[shard], report)
        _compare_sets(shard, recount.members, sets[shard], report)
    return report


@asynccontextmanager
async def _lease(store: Store) -> AsyncIterator[None]:
    if not await store.pause(LEASE_SECONDS):
        raise AuditBusy("another audit is running; it ends by itself within half a minute if it died")
    try:
        yield
    finally:
        await store.resume()


async def _renew(store: Store) -> None:
    """What was read since the last time is of one state, as nobody wrote meanwhile; raises AuditBusy where somebody may have."""
    if not await store.pause(LEASE_SECONDS, again=True):
        raise AuditBusy("the lease was lost while counting; run the audit again")


def _add(recount: _Recount, user: StoredUser, scope: Scope, report: AuditReport) -> None:
    if is_single(user.record):
        summary = decode(user.record, scope.zone).summary
        if is_apart(user.record) and summary != _counted(user, scope):
            report.differences.append(
                f"user {user.index}: the record's summary is not that of its kept events"
            )
    record = decode_person(user.record, user.parts, scope.zone)
    if record is None:
        report.silent += 1
        return
    sets, sums, ledgers = facts(record, scope)
    if sets or sums or ledgers:
        report.users += 1
    else:
        report.silent += 1
    for name in sets:
        recount.members.setdefault(name, []).append(user.index)
    for (counter, counted_field), amount in sums.items():
        fields = recount.counters.setdefault(counter, {})
        fields[counted_field] = fields.get(counted_field, 0) + amount
    for ledger, amount in ledgers.items():
        recount.ledgers.setdefault(ledger, {})[user.index] = amount


def _counted(user: StoredUser, scope: Scope) -> Summary:
    return summarise(dict(decode_kept(data, scope.zone) for data in user.parts.values()))


def _compare_numbers(
    shard: int,
    kind: str,
    right: dict[str, dict[_K, int]],
    stored: dict[str, dict[_K, int]],
    report: AuditReport,
) -> None:
    for counter in sorted(right.keys() | stored.keys()):
        expected, found = right.get(counter, {}), stored.get(counter, {})
        for name in sorted(expected.keys() | found.keys()):
            report.counters += 1
            if expected.get(name, 0) != found.get(name, 0):
                where = f"shard {shard}: {kind} {counter} [{name}]"
                report.differences.append(
                    f"{where} is {found.get(name, 0)}, the records say {expected.get(name, 0)}"
                )


def _compare_sets(
    shard: int, right: dict[str, list[int]], stored: dict[str, Bitmap], report: AuditReport
) -> None:
    for name in sorted(right.keys() | stored.keys()):
        members = np.sort(np.asarray(right.get(name, []), dtype=np.int64))
        found = stored.get(name, bitmap_of(members[:0], 0))
        report.bits += len(members)
        extra, missing = np.setdiff1d(members_of(found), members), np.setdiff1d(members, members_of(found))
        if len(extra) or len(missing):
            report.differences.append(
                f"shard {shard}: set {name} has {len(extra)} users too many and lacks {len(missing)}"
            )
