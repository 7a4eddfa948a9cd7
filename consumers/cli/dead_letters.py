"""Which records could not be counted, and which of them can be now?"""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from consumers.cli.console import await_, counted, err, out, settings
from consumers.letters import CUT_BYTES, Letter
from consumers.settings import Settings
from stream.events.reasons import MEANINGS, Reason
from stream.events.schema import TOPICS

EXCERPT_CHARACTERS = 60
EXCERPT_BYTES = 1024  # more than enough for so many characters
FIELDS_MAX = 5  # named with the sum of a reason
TABLE_WIDTH_MIN = 110  # a window that is narrower breaks lines rather than leave out where a letter came from

# Why a letter cannot go back, by the part of it that is not here whole.
_KEPT = f"only the first {CUT_BYTES // 1024} KiB were kept"
_LEFT_OUT = {"value": f"of the value {_KEPT}", "headers": "its headers were too large to be kept"}


def dead_letters(
    reason: Annotated[list[Reason] | None, typer.Option(help="Only these reasons.")] = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="Only records of these topics (without prefix).")
    ] = None,
    limit: Annotated[int, typer.Option(help="Show the newest so many; 0 shows all.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, whole values.")] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Send back to its topic what now decodes.")
    ] = False,
) -> None:
    """List the records that could not be counted, with reason, field at fault, origin and the first characters.

    A record is listed once, even where a crash has written it twice or it was sent back and refused again. With --replay those
    that now decode (after RETENTION_APPS, RETENTION_EARLIEST or the time itself changed) go back to their topic; replaying twice is
    harmless, since events are known by their id. Beside `retention up` its settings decide, elsewhere those set here: have those of
    the workers. What is not here whole, since it was too large for Kafka, stays where it is, and that is said.

    Examples:

        retention dead-letters --reason bad_field --reason missing_field
        retention dead-letters --reason unknown_app --replay
    """
    reasons = {one.value for one in reason or ()}
    topics = set(topic or ())
    if wrong := sorted(topics - set(TOPICS)):
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {', '.join(TOPICS)}", param_hint="--topic")
    found = settings("kafka")
    if replay:
        raise typer.Exit(await_(_replay(found, reasons, topics)))
    await_(_list(found, reasons, topics, limit, as_json))


async def _list(found: Settings, reasons: set[str], topics: set[str], limit: int, as_json: bool) -> None:
    counts: Counter[str] = Counter()
    fields: dict[str, Counter[str]] = {}
    here, others, letters, roots = 0, 0, list[Letter](), Roots()
    async for letter in read(found):
        here += 1
        if not letter.asked_for(reasons, topics):
            others += 1
            continue
        if roots.came(letter):
            continue
        counts[letter.reason] += 1
        fields.setdefault(letter.reason, Counter())[letter.field] += 1
        letters.append(letter if as_json else _excerpt(letter))
        if limit and len(letters) > 4 * limit:
            letters = sorted(letters, key=_order)[-limit:]
    letters = sorted(letters, key=_order)[-limit:]  # -0 is all of them
    await _tell_of_those_gone(found, here)
    if as_json:
        for letter in letters:
            print(json.dumps(_as_json(letter)), flush=False)
        if len(letters) < counts.total():
            err.print(_heading(len(letters), counts.total()), soft_wrap=True)
        return
    if letters:
        Console(highlight=False, width=max(out.width, TABLE_WIDTH_MIN)).print(_table(letters))
        out.print(f"[bold]{_heading(len(letters), counts.total())}[/]; by reason:", soft_wrap=True)
    for name, count in counts.most_common():
        meaning = _at_fault(fields[name]) + (MEANINGS[Reason(name)] if name in set(Reason) else "")
        out.print(f"[bold]{count:>9,}[/] {name:<14} {escape(meaning)}", soft_wrap=True)
    if not counts:
        out.print("no dead letters" + (f" of these reasons and topics; {others:,} others" if others else ""))


async def _tell_of_those_gone(found: Settings, here: int) -> None:
    """The sum of dead letters is kept with the numbers, and may be of more than one log. Not told where the store is away."""
    from consumers.stores import opened
    from stream.store.protocol import StoreUnavailable

    if not found.redis_url.get_secret_value():
        return
    try:
        async with opened(found) as store:
            gone = (await store.totals()).get("dead_letters", 0) - here
    except StoreUnavailable:
        return
    if gone > 0:
        what = (
            f"{counted(gone, 'dead letters')} counted earlier {'is' if gone == 1 else 'are'} not in this log"
        )
        err.print(f"{what}: that of `retention up` is in memory and ends with it", soft_wrap=True)


def _excerpt(letter: Letter) -> Letter:
    """As much of it as is shown in a table."""
    return letter._replace(value=(letter.value or b"")[:EXCERPT_BYTES], key=None, own_headers=[])


def _at_fault(fields: Counter[str]) -> str:
    """`amount (7), currency (2): ` of the letters of one reason; nothing where none names a field."""
    named = [(name, count) for name, count in fields.most_common() if name]
    if len(named) == 1 and len(fields) == 1:
        return f"{named[0][0]}: "
    said = [f"{name} ({count:,})" for name, count in named[:FIELDS_MAX]]
    if rest := sum(count for _, count in named[FIELDS_MAX:]):
        said.append(f"others ({rest:,})")
    return f"{', '.join(said)}: " if said else ""


def _order(letter: Letter) -> tuple[int, str, int, int]:
    return letter.time_ms, letter.topic, letter.partition, letter.offset


def _heading(shown: int, all_of_them: int) -> str:
    hint = " (the newest; --limit 0 shows all)" if shown < all_of_them else ""
    return f"{shown:,} of {all_of_them:,} shown{hint}"


def _table(letters: list[Letter]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("time (UTC)", "reason", "field", "topic"):
        table.add_column(name, no_wrap=True)
    for name in ("partition", "offset", "bytes"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("begins with", no_wrap=True, overflow="ellipsis", ratio=1)
    for letter in letters:
        text = (letter.value or b"")[:EXCERPT_CHARACTERS].decode("utf-8", "backslashreplace")
        when = datetime.fromtimestamp(letter.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        shown = "".join(character if character.isprintable() else "·" for character in text)
        table.add_row(
            when,
            letter.reason,
            letter.field,
            letter.topic,
            str(letter.partition),
            str(letter.offset),
            str(letter.size),
            escape(shown),
        )
    return table


def _as_json(letter: Letter) -> dict[str, Any]:
    return {
        "reason": letter.reason, "field": letter.field,
        "topic": letter.topic, "partition": letter.partition, "offset": letter.offset,
        "time": datetime.fromtimestamp(letter.time_ms / 1000, UTC).isoformat(),
        "key": letter.key.decode("utf-8", "backslashreplace") if letter.key is not None else None,
        "value": (letter.value or b"").decode("utf-8", "backslashreplace"), "left_out": list(letter.left_out),
    }  # fmt: skip


async def _replay(found: Settings, reasons: set[str], topics: set[str]) -> int:
    from consumers.checking import checking_decoder
    from consumers.kafka import Sender
    from stream.events.schema import Rejection

    decoder, now_ms = checking_decoder(found), int(time.time() * 1000)
    sent: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    without_key, roots = 0, Roots()
    async with Sender(found) as sender:
        async for letter in read(found):
            if not letter.asked_for(reasons, topics) or roots.came(letter):
                continue
            if cause := _cannot_go_back(letter):
                kept[f"not sent back, {cause}"] += 1
                continue
            decoded = decoder.decode(letter.topic, letter.value, now_ms)
            if isinstance(decoded, Rejection):
                kept[f"still {decoded.reason}" + (f" ({decoded.field})" if decoded.field else "")] += 1
                continue
            key = letter.key
            if "key" in letter.left_out:
                key, without_key = _user_id(letter), without_key + 1
            await sender.put(letter.topic, key, letter.value, letter.headers_back)
            sent[letter.topic] += 1
        await sender.flush()
    out.print(
        (", ".join(counted(count, name) for name, count in sorted(sent.items())) or "nothing") + " sent back"
    )
    if without_key:
        err.print(f"{without_key:>9,} of them with the user id as key: of its own {_KEPT}", soft_wrap=True)
    for name, count in sorted(kept.items(), key=lambda one: (-one[1], one[0])):
        err.print(f"{count:>9,} {name}", soft_wrap=True)
    return 0


def _cannot_go_back(letter: Letter) -> str:
    """Why it cannot, whatever it says; empty where it can."""
    if letter.topic not in TOPICS:
        return "it names no topic of events"
    return next((_LEFT_OUT[part] for part in letter.left_out if part in _LEFT_OUT), "")


def _user_id(letter: Letter) -> bytes | None:
    """The key that a well-behaved producer gives an event. The letter decodes, and erasures are of no one user."""
    said = json.loads(letter.value or b"{}").get("user_id")
    return None if said is None else str(said).encode()


class Roots:
    """The letters that were met, so that what was sent back and refused again is no letter more."""

    def __init__(self) -> None:
        self._met: set[bytes] = set()

    def came(self, letter: Letter) -> bool:
        """Whether this record was met before, as the letter that it was first or as one that came of sending it back."""
        root = letter.root
        if root is None or root in self._met:
            return root is not None
        self._met.add(root)
        return False


async def read(found: Settings, since: Mapping[tuple[str, int], int] | None = None) -> AsyncIterator[Letter]:
    """Every dead letter that stands there now, each once; a copy by its origin is left out. `since` is as of `stored_records`."""
    from consumers.kafka import DEAD_LETTERS, stored_records

    seen: set[tuple[str, int, int]] = set()
    async for record in stored_records(found, DEAD_LETTERS, since):
        letter = Letter.of(record, found.topic_prefix)
        origin = (letter.topic, letter.partition, letter.offset)
        if origin not in seen:
            if letter.offset >= 0:  # what names no origin is no copy of another
                seen.add(origin)
            yield letter
