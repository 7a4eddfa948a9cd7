"""Do both stores do what the protocol says? Every rule runs over the in-memory store and over a real server."""

from collections.abc import Mapping

import numpy as np
import pytest

from stream.retention.found import Delta
from stream.store.chunks import members_of
from stream.store.keys import SPARSE_MEMBERS_MAX, shard_of
from stream.store.protocol import (
    DOCUMENT_BYTES_MAX,
    IdentityMismatch,
    Position,
    Progress,
    Store,
    StorePaused,
    UserWrite,
)

APP = "demo"
HERE = "sessions", 3


def user(number: int) -> bytes:
    """Ids that spread over the shards, which are told by the last four bytes."""
    return number.to_bytes(12, "big") + number.to_bytes(4, "little")


def write(
    number: int,
    expected: bytes | None,
    record: bytes,
    joins: list[str],
    sums: Mapping[str, int] | None = None,
) -> UserWrite:
    return UserWrite(
        user(number), expected, record, Delta(joins, [], {("c", name): n for name, n in (sums or {}).items()})
    )


async def apply(store: Store, *writes: UserWrite) -> dict[bytes, bytes | None]:
    """Applies writes shard by shard; the users that were not applied with their records."""
    left: dict[bytes, bytes | None] = {}
    for shard in range(store.shards):
        mine = [one for one in writes if shard_of(one.user, store.shards) == shard]
        conflicts = await store.apply(APP, shard, mine) if mine else {}
        left |= {mine[place].user: record for place, record in conflicts.items()}
    return left


async def stored(store: Store, number: int) -> bytes | None:
    return (await store.read(APP, shard_of(user(number), store.shards), [user(number)]))[0]


async def count(store: Store, name: str) -> int:
    view = await store.view(APP, sets=[name])
    return int(np.bitwise_count(view.sets[name]).sum())


async def test_what_is_missing_is_empty(store: Store) -> None:
    assert await stored(store, 1) is None
    view = await store.view(APP, counters=["c"], sets=["s"])
    assert view.counters == {"c": {}}
    assert view.sets["s"].sum() == 0
    assert await store.positions() == {}
    assert await store.zones() == {}


async def test_a_write_brings_record_bits_and_sums_at_once(store: Store) -> None:
    assert await apply(store, *(write(n, None, b"r%d" % n, ["s"], {"f": 2}) for n in range(40))) == {}
    assert await stored(store, 7) == b"r7"
    assert await count(store, "s") == 40
    assert (await store.view(APP, counters=["c"])).counters == {"c": {"f": 80}}


async def test_a_ledger_holds_a_number_a_user_and_nothing_for_zero(store: Store) -> None:
    big = 2**53 + 1  # exact beyond what a double holds
    for n in range(5):
        await apply(store, UserWrite(user(n), None, b"r", Delta(["s"], [], {}, {"paid": big + n, "none": 1})))
    await apply(store, UserWrite(user(0), b"r", b"q", Delta([], [], {}, {"paid": -big, "none": -1})))
    view = await store.view(APP, sets=["s"], ledgers=["paid", "none", "missing"])
    ledger = view.ledgers["paid"]
    assert sorted(ledger.amounts.tolist()) == [big + n for n in range(1, 5)]
    members = set(np.flatnonzero(np.unpackbits(view.sets["s"].view(np.uint8))).tolist())
    assert set(ledger.users.tolist()) < members
    assert len(view.ledgers["none"].users) == 4
    assert not len(view.ledgers["missing"].users)
    found = await store.stored_ledgers(APP)
    assert sorted(n for ledgers in found.values() for n in ledgers.get("none", {}).values()) == [1] * 4


async def test_a_user_whose_record_moved_is_left_alone_and_the_others_are_not(store: Store) -> None:
    await apply(store, write(1, None, b"one", ["s"], {"f": 1}))
    left = await apply(
        store, write(1, None, b"other", ["t"], {"f": 1}), write(2, None, b"two", ["s"], {"f": 1})
    )
    assert left == {user(1): b"one"}
    assert await apply(store, write(3, b"gone", b"three", ["s"])) == {user(3): None}
    assert (await count(store, "s"), await count(store, "t")) == (2, 0)
    assert (await store.view(APP, counters=["c"])).counters == {"c": {"f": 2}}


async def test_a_sum_that_returns_to_zero_leaves_no_field(store: Store) -> None:
    await apply(store, write(1, None, b"a", [], {"f": 1, "g": 1}))
    await apply(store, write(1, b"a", b"b", [], {"f": -1}))
    assert (await store.view(APP, counters=["c"])).counters == {"c": {"g": 1}}


async def test_leaving_a_set_takes_the_bit_away(store: Store) -> None:
    await apply(store, *(write(n, None, b"a", ["s"]) for n in range(5)))
    await apply(store, UserWrite(user(2), b"a", b"b", Delta(["t"], ["s"], {})))
    assert (await count(store, "s"), await count(store, "t")) == (4, 1)


@pytest.mark.parametrize("size", [1, 60, 61, 300, 10_000])
async def test_a_record_of_any_length_comes_back_and_may_shrink(store: Store, size: int) -> None:
    await apply(store, write(1, None, b"x" * size, ["s"]))
    assert await stored(store, 1) == b"x" * size
    assert await apply(store, write(1, b"x" * size, b"y", [])) == {}
    assert await stored(store, 1) == b"y"


async def members(store: Store, name: str) -> set[int]:
    """The places of the members of a set."""
    return set(members_of((await store.view(APP, sets=[name])).sets[name]).tolist())


async def test_a_set_grows_from_a_list_to_a_bitmap_and_back_and_each_member_stays_itself(
    store: Store,
) -> None:
    users = min(store.shards, 3) * (SPARSE_MEMBERS_MAX + 300)
    for first in range(0, users, 1000):
        some = range(first, min(first + 1000, users))
        await apply(store, *(write(n, None, b"0", [f"of:{n % 3}", "s"]) for n in some))
    record, third = b"0", await members(store, "of:0")
    for left, modulus in ((0, 1), (1, 2), (2, 3)):
        gone = [UserWrite(user(n), record, b"1", Delta([], ["s"], {})) for n in range(left, users, 3)]
        assert await apply(store, *gone) == {}
        stay = [await members(store, f"of:{rest}") for rest in range(modulus, 3)]
        assert await members(store, "s") == set().union(*stay)
    again = [UserWrite(user(n), b"1", b"2", Delta(["s"], [], {})) for n in range(0, users, 3)]
    await apply(store, *again)
    assert await members(store, "s") == third


async def test_a_member_leaves_a_list_and_none_that_only_looks_like_it(store: Store) -> None:
    # In the list of these members, the end of 0 and the beginning of 1 look like 256.
    await apply(store, *(write(n, None, b"a", ["s"]) for n in range(600 * store.shards)))
    before = await members(store, "s")
    gone = [
        UserWrite(user(n), b"a", b"b", Delta(["t"], ["s"], {})) for n in range(255, 600 * store.shards, 5)
    ]
    await apply(store, *reversed(gone))
    left = await members(store, "t")
    assert len(left) == len(gone)
    assert await members(store, "s") == before - left


async def test_kept_events_apart_are_compared_and_read_by_field(store: Store) -> None:
    first = UserWrite(user(1), None, b"head", Delta([], [], {}), [(b"a", None, b"1"), (b"b", None, b"2")])
    assert await apply(store, first) == {}
    assert await store.read_parts(APP, user(1), [b"a", b"zz"]) == {b"a": b"1"}
    assert await store.read_parts(APP, user(1), None) == {b"a": b"1", b"b": b"2"}
    stale = UserWrite(user(1), b"head", b"head2", Delta(["s"], [], {}), [(b"a", None, b"3")])
    assert await apply(store, stale) == {user(1): b"head"}
    assert await count(store, "s") == 0


async def test_a_position_moves_only_from_where_the_caller_thinks_it_is(store: Store) -> None:
    for shard in range(store.shards):
        ten = Progress(
            HERE, None, Position(10, "log"), {"applied": 9, "dead_letters": 1} if shard == 0 else {}
        )
        assert await store.advance(shard, ten) == Position(10, "log")
        assert await store.advance(shard, ten) == Position(10, "log")
        stale = Progress(HERE, Position(5, "log"), Position(20, "log"), {"applied": 100})
        assert await store.advance(shard, stale) == Position(10, "log")
    assert await store.positions() == {HERE: Position(10, "log")}
    totals = await store.totals()
    assert (totals["applied"], totals["dead_letters"]) == (9, 1)


async def test_a_position_holds_only_where_every_shard_has_it(store: Store) -> None:
    await store.advance(0, Progress(HERE, None, Position(10, "log"), {}))
    assert await store.positions() == ({HERE: Position(10, "log")} if store.shards == 1 else {})


async def test_applies_wait_while_the_lease_is_held(store: Store) -> None:
    assert await store.pause(10)
    with pytest.raises(StorePaused):
        await apply(store, write(1, None, b"a", []))
    with pytest.raises(StorePaused):
        await store.advance(0, Progress(HERE, None, Position(1, "log"), {}))
    await store.resume()
    assert await apply(store, write(1, None, b"a", [])) == {}


async def test_a_document_is_replaced_only_by_who_knows_what_stands_there(store: Store) -> None:
    assert await store.documents(APP, ["a", "b"]) == [b"", b""]
    assert await store.replace_document(APP, "a", b"", b"one")
    assert not await store.replace_document(APP, "a", b"", b"two")
    assert not await store.replace_document(APP, "a", b"other", b"two")
    assert await store.replace_document(APP, "a", b"one", b"\0two")
    assert await store.documents(APP, ["b", "a"]) == [b"", b"\0two"]
    assert await store.documents("another", ["a"]) == [b""]
    assert await store.replace_document(APP, "a", b"\0two", b"")
    assert await store.documents(APP, ["a"]) == [b""]
    assert await store.documents(APP, []) == []


async def test_a_document_stays_small(store: Store) -> None:
    assert await store.replace_document(APP, "a", b"", bytes(DOCUMENT_BYTES_MAX))
    with pytest.raises(ValueError, match="at most"):
        await store.replace_document(APP, "b", b"", bytes(DOCUMENT_BYTES_MAX + 1))
    assert await store.documents(APP, ["b"]) == [b""]


async def test_data_counted_under_another_identity_is_refused(store: Store) -> None:
    await store.open({"layout": "1", "secret": "x"})
    await store.open({"layout": "1", "secret": "x"})
    await store.claim_zone("demo", "UTC")
    with pytest.raises(IdentityMismatch, match="secret"):
        await store.open({"layout": "1", "secret": "y"})
    with pytest.raises(IdentityMismatch, match="Asia/Kolkata"):
        await store.claim_zone("demo", "Asia/Kolkata")
    assert await store.zones() == {"demo": "UTC"}


async def test_the_memory_grows_with_what_is_stored(store: Store) -> None:
    before = await store.memory()
    await apply(store, *(write(n, None, b"x" * 10_000, ["s"]) for n in range(20)))
    after = await store.memory()
    assert after.used_bytes > before.used_bytes + 100_000
    assert after.max_bytes == before.max_bytes == 0


async def test_the_audit_reads_back_everything(store: Store) -> None:
    await apply(store, *(write(n, None, b"x" * (n * 10 + 1), ["s"], {"f": 1}) for n in range(10)))
    users = [one async for one in store.stored_users(APP)]
    assert sorted(len(one.record) for one in users) == [n * 10 + 1 for n in range(10)]
    assert sum(fields["c"]["f"] for fields in (await store.stored_counters(APP)).values() if fields) == 10
    assert (
        sum(
            int(np.bitwise_count(sets["s"]).sum()) for sets in (await store.stored_sets(APP)).values() if sets
        )
        == 10
    )


@pytest.mark.parametrize("store", ["memory", "redis"], indirect=True)
async def test_the_users_of_a_set_are_read_alone_and_with_them_who_came_after(store: Store) -> None:
    long = {number: bytes([number]) * (1 + 200 * (number % 2)) for number in range(40)}
    await apply(store, *(write(n, None, record, ["s"] if n % 4 < 2 else []) for n, record in long.items()))
    among = (await store.view(APP, sets=["s"])).sets["s"]
    found = [one.record async for one in store.stored_users(APP, among)]
    assert sorted(found) == sorted(record for n, record in long.items() if n % 4 < 2)
    assert len([one async for one in store.stored_users(APP, among[:0])]) == 40
