"""How many bytes of Redis does a user take, everything included, and which keys take them?"""

import asyncio
from collections import Counter
from typing import Any

from bench.bars import Row
from bench.machine import OUR_LISTPACK, Machine, client_of
from bench.population import APP, People, load
from stream.store.keys import app_prefix
from tests.servers import Valkey

SETTLE_SECONDS = 1.0
SCAN_KEYS = 1_000
FAMILIES = {
    "b": "records in buckets",
    "r": "long records",
    "k": "kept events apart",
    "s": "sets",
    "c": "counters",
    "l": "ledgers",
    "n": "numbers of the app",
}
Family = dict[str, tuple[int, int]]


async def memory(machine: Machine) -> list[Row]:
    """Bytes per user for every population, order and server setting; keys by family for the largest."""
    rows: list[Row] = []
    for users in machine.sizes.users:
        people = People.of(users)
        # What is loaded last stays for the triangle: our setting, in order. Two stores are loaded at once: while one is written to,
        # events of the other are counted.
        for shuffled in (True, False):
            both = [loaded(machine, people, ours=ours, shuffled=shuffled) for ours in (False, True)]
            for found in await asyncio.gather(*both):
                rows += found
    return rows


async def loaded(machine: Machine, people: People, *, ours: bool, shuffled: bool) -> list[Row]:
    """One population in a store of its own: bytes per user, and of the largest one in order by family."""
    store = machine.store(*(OUR_LISTPACK if ours else ()))
    empty = await used_bytes(store)
    settings = machine.settings(store, "people.")
    seconds = await load(settings, people, "none" if shuffled else "time")
    used = await used_bytes(store) - empty
    largest = people.users == max(machine.sizes.users)
    how = f"{'shuffled' if shuffled else 'in order'}, {'our' if ours else 'default'} listpack limit"
    events = len(people.who)
    note = f"{used / 1e6:,.1f} MB; loaded {events:,} events in {seconds:.0f} s"
    row = Row(
        f"{people.users:,} users, {how}",
        used / people.users,
        "bytes/user",
        "bytes_per_user" if largest else None,
        note,
    )
    machine.say(f"{row.name}: {row.value:.1f} bytes/user")
    families = await _families(store) if largest and not shuffled else {}
    rows = [row]
    for name, (keys, size) in sorted(families.items(), key=lambda item: -item[1][1]):
        setting = "our" if ours else "default"
        rows.append(Row(f"  {name} ({setting})", size / people.users, "bytes/user", note=f"{keys:,} keys"))
    if largest and ours and not shuffled:
        machine.kept["people"] = people, store
    else:
        store.kill()
    return rows


async def used_bytes(store: Valkey) -> int:
    """Bytes in use once the server has let go of what the load itself needed."""
    async with client_of(store) as client:
        await client.memory_purge()
        await asyncio.sleep(SETTLE_SECONDS)
        about: dict[str, Any] = await client.info("memory")
        return int(about["used_memory"])


async def _families(store: Valkey) -> Family:
    """Keys and bytes by family, by MEMORY USAGE of every key; the server's table of keys is in none of them."""
    keys_of: Counter[str] = Counter()
    bytes_of: Counter[str] = Counter()
    prefix = app_prefix(0, APP).encode()
    async with client_of(store) as client:
        cursor: Any = 0
        while True:
            found: tuple[Any, list[bytes]] = await client.scan(cursor, count=SCAN_KEYS)  # type: ignore[assignment]
            cursor, keys = found
            async with client.pipeline(transaction=False) as asked:
                for key in keys:
                    asked.memory_usage(key, samples=0)
                sizes = await asked.execute()
            for key, size in zip(keys, sizes, strict=True):
                name = (
                    _family(key.removeprefix(prefix).decode(errors="replace"))
                    if key.startswith(prefix)
                    else "the rest"
                )
                keys_of[name] += 1
                bytes_of[name] += size
            if not int(cursor):
                return {name: (keys_of[name], bytes_of[name]) for name in keys_of}


def _family(name: str) -> str:
    letter, _, rest = name.partition(":")
    detail = f" {rest.partition(':')[0]}" if letter in "scl" else ""
    return FAMILIES.get(letter, letter) + detail
