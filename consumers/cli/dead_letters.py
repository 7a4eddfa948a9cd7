"""Which records could not be counted, and which of them can be now?"""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer
from rich.markup import escape
from rich.table import Table

from consumers.cli.console import await_, counted, err, out, settings
from consumers.settings import Settings
from stream.events.reasons import MEANINGS, Reason
from stream.events.schema import TOPICS

EXCERPT_CHARACTERS = 60
EXCERPT_BYTES = 1024  # more than enough for so many characters


class Letter(NamedTuple):
    """A dead letter: where the record came from, why it is here, and what it was."""

    reason: str
    topic: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    size: int  # of the whole value, also where only the first part was kept

    @property
    def cut(self) -> bool:
        """Whether something of the record was left out. Headers of its own by these names stand before ours, not among them."""
        return [name for name, _ in self.headers[-6:-4]] == ["size", "sha256"]

    @property
    def own_headers(self) -> list[tuple[str, bytes]]:
        """What the producer of the record gave it, by whatever names; the last four are ours."""
        return self.headers[:-4]

    def asked_for(self, reasons: set[str], topics: set[str]) -> bool:
        """Whether it is one of these; no reasons are all of them, and so are no topics."""
        return (not reasons or self.reason in reasons) and (not topics or self.topic in topics)


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
    """List the records that could not be counted, with reason, origin and the first characters.

    A record is listed once, even where a crash has written it twice. With --replay those that now decode (after RETENTION_APPS,
    RETENTION_EARLIEST or the time itself changed) go back to their topic; replaying twice is harmless, since events are known
    by their id.

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
    others, letters = 0, list[Letter]()
    async for letter in read(found):
        if not letter.asked_for(reasons, topics):
            others += 1
            continue
        counts[letter.reason] += 1
        letters.append(letter if as_json else letter._replace(value=(letter.value or b"")[:EXCERPT_BYTES]))
        if limit and len(letters) > 4 * limit:
            letters = sorted(letters, key=_order)[-limit:]
    letters = sorted(letters, key=_order)[-limit:]  # -0 is all of them
    await _tell_of_those_gone(found, counts.total() + others)
    if as_json:
        for letter in letters:
            print(json.dumps(_as_json(letter)), flush=False)
        if len(letters) < counts.total():
            err.print(_heading(len(letters), counts.total()), soft_wrap=True)
        return
    if letters:
        out.print(_table(letters))
        out.print(f"[bold]{_heading(len(letters), counts.total())}[/]; by reason:", soft_wrap=True)
    for name, count in counts.most_common():
        meaning = MEANINGS[Reason(name)] if name in set(Reason) else ""
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


def _order(letter: Letter) -> tuple[int, str, int, int]:
    return letter.time_ms, letter.topic, letter.partition, letter.offset


def _heading(shown: int, all_of_them: int) -> str:
    hint = " (the newest; --limit 0 shows all)" if shown < all_of_them else ""
    return f"{shown:,} of {all_of_them:,} shown{hint}"


def _table(letters: list[Letter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("time (UTC)", "reason", "topic"):
        table.add_column(name, no_wrap=True)
    for name in ("partition", "offset", "bytes"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("begins with", no_wrap=True, overflow="ellipsis")
    for letter in letters:
        text = (letter.value or b"")[:EXCERPT_CHARACTERS].decode("utf-8", "backslashreplace")
        when = datetime.fromtimestamp(letter.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        shown = "".join(character if character.isprintable() else "·" for character in text)
        table.add_row(
            when,
            letter.reason,
            letter.topic,
            str(letter.partition),
            str(letter.offset),
            str(letter.size),
            escape(shown),
        )
    return table


def _as_json(letter: Letter) -> dict[str, Any]:
    return {
        "reason": letter.reason, "topic": letter.topic, "partition": letter.partition, "offset": letter.offset,
        "time": datetime.fromtimestamp(letter.time_ms / 1000, UTC).isoformat(),
        "key": letter.key.decode("utf-8", "backslashreplace") if letter.key is not None else None,
        "value": (letter.value or b"").decode("utf-8", "backslashreplace"),
    }  # fmt: skip


async def _replay(found: Settings, reasons: set[str], topics: set[str]) -> int:
    from consumers.checking import checking_decoder
    from consumers.kafka import Sender
    from stream.events.schema import Rejection

    decoder, now_ms = checking_decoder(found), int(time.time() * 1000)
    sent: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    async with Sender(found) as sender:
        async for letter in read(found):
            if letter.topic not in TOPICS or not letter.asked_for(reasons, topics):
                continue
            decoded = None if letter.cut else decoder.decode(letter.topic, letter.value, now_ms)
            if decoded is None or isinstance(decoded, Rejection):
                kept[decoded.reason.value if decoded else letter.reason] += 1
                continue
            await sender.put(letter.topic, letter.key, letter.value, letter.own_headers)
            sent[letter.topic] += 1
        await sender.flush()
    out.print(
        (", ".join(counted(count, name) for name, count in sorted(sent.items())) or "nothing") + " sent back"
    )
    for name, count in kept.most_common():
        err.print(f"{count:>9,} still {name}")
    return 0


async def read(found: Settings) -> AsyncIterator[Letter]:
    """Every dead letter that stands there now, each once; a copy by its origin is left out."""
    from consumers.kafka import DEAD_LETTERS, stored_records

    seen: set[tuple[str, int, int]] = set()
    async for record in stored_records(found, DEAD_LETTERS):
        letter = _letter(record, found.topic_prefix)
        origin = (letter.topic, letter.partition, letter.offset)
        if origin not in seen:
            if letter.offset >= 0:  # what names no origin is no copy of another
                seen.add(origin)
            yield letter


def _letter(record: Any, prefix: str) -> Letter:
    headers = [(str(name), bytes(value or b"")) for name, value in record.headers]
    said = {name: value.decode("utf-8", "replace") for name, value in headers}
    found = Letter(
        reason=_one_of([reason.value for reason in Reason], said.get("reason", "")),
        topic=_one_of(TOPICS, said.get("topic", "").removeprefix(prefix)),
        partition=_number(said.get("partition", "")),
        offset=_number(said.get("offset", "")),
        time_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=headers,
        size=len(record.value or b""),
    )
    whole = _number(said.get("size", "")) if found.cut else -1
    return found._replace(size=whole) if whole >= 0 else found


# Whoever may write to the topic may write anything into a header.
def _one_of(words: Iterable[str], text: str) -> str:
    return text if text in words else "?"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
