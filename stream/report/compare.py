"""Does one variant keep more users than another? Their retention on one day, compared: the answer of GET /api/v1/compare."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

from stream.report.questions import CompareQuery
from stream.report.triangle import retention
from stream.retention.comparison import Difference, Share, compared, holm, sample_ratio
from stream.retention.rates import rate
from stream.retention.scope import FAMILIES
from stream.store.protocol import Store

MISMATCH_BELOW = 0.001
NOBODY: Share = (0, 0)


async def compare(
    store: Store,
    query: CompareQuery,
    *,
    now_ms: int,
    default_zone: str = "UTC",
    families: Collection[str] = FAMILIES,
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface; arguments as of `retention`."""
    triangles = await retention(
        store, query.triangles, now_ms=now_ms, default_zone=default_zone, families=families
    )
    found = {
        cell["segment"]: (cell["users"], cell["size"])
        for cell in triangles["average"]
        if cell["n"] == query.day
    }
    # The first use of the chi-square test loads its library.
    return await asyncio.to_thread(answer, query, found)


def answer(query: CompareQuery, found: Mapping[str, Share]) -> dict[str, Any]:
    """The answer from (users, size) by value; a value that is missing has nobody."""
    shares = [found.get(value, NOBODY) for value in query.values]
    warning = {"warning": _warning(query, [size for _, size in shares])}
    if query.pair:
        a, b = shares
        return {"a": _side(a), "b": _side(b), **compared(a, b)._asdict(), **warning}
    variants = [{"variant": value, **_side(share)} for value, share in zip(query.values, shares, strict=True)]
    return {"variants": variants, "pairs": _pairs(query.values, shares), **warning}


def _side(share: Share) -> dict[str, Any]:
    users, size = share
    return {"size": size, "users": users, **rate(users, size)._asdict()}


def _pairs(values: Sequence[str], shares: Sequence[Share]) -> list[dict[str, Any]]:
    pairs = list(combinations(zip(values, shares, strict=True), 2))
    found: list[Difference] = [compared(a, b) for (_, a), (_, b) in pairs]
    return [
        {"a": a, "b": b, **difference._asdict(), "p": p, "p_raw": difference.p}
        for ((a, _), (b, _)), difference, p in zip(pairs, found, holm([one.p for one in found]), strict=True)
    ]


def _warning(query: CompareQuery, sizes: Sequence[int]) -> dict[str, Any] | None:
    """What stands against comparing these at all."""
    # A value that nobody has is no split that went wrong: it is misspelt, or nobody has come yet.
    counts = [(size, part) for size, part in zip(sizes, query.ratio, strict=True) if size]
    if len(counts) < 2:
        return None
    sizes, ratio = zip(*counts, strict=True)
    p = sample_ratio(sizes, ratio)
    if p is None or p >= MISMATCH_BELOW:
        return None
    asked, counted = (":".join(f"{part:g}" for part in parts) for parts in (ratio, sizes))
    return {
        "kind": "sample_ratio_mismatch",
        "p": p,
        "detail": f"sizes of {counted} are very unlikely where users are split {asked}: if they were assigned by chance, "
        "the assignment or its counting is broken and the difference says nothing",
    }
