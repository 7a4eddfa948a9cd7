"""Which records could not be counted, and which of them can be now?"""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import typer
from rich.markup import escape
from rich.table import Table

from consumers.cli.console import await_, err, out, settings
from consumers.settings import Settings
from stream.events.reasons import MEANINGS, Reason

EXCERPT_CHARACTERS = 60


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

    @property
    def cut(self) -> bool:
        """Whether only the first part of the value was kept."""
        return any(name == "sha256" for name, _ in self.headers)


def dead_letters(
    reason: Annotated[list[Reason] | None, typer.Option(help="Only these reasons.")] = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="Only records of these topics (without prefix).")
    ] = None,
    limit: Annotated[int, typer.Option(help="Show the newest so many; 0 shows all.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
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
    found = settings("kafka", *(["user_id_secret"] if replay else []))
    wanted = {one.value for one in reason or Reason}
    topics = set(topic or ())
    if replay:
        raise typer.Exit(await_(_replay(found, wanted, topics)))
    await_(_list(found, wanted, topics, limit, as_json))


async def _list(found: Settings, wanted: set[str], topics: set[str], limit: int, as_json: bool) -> None:
    counts: Counter[str] = Counter()
    letters: list[Letter] = []
    async for letter in read(found):
        counts[letter.reason] += 1
        if letter.reason in wanted and (not topics or letter.topic in topics):
            if as_json:
                print(json.dumps(_as_json(letter)), flush=False)
                continue
            letters.append(letter._replace(value=(letter.value or b"")[:1024]))
            if limit and len(letters) > 4 * limit:
                letters = sorted(letters, key=lambda one: one.time_ms)[-limit:]
    if as_json:
        return
    letters.sort(key=lambda one: (one.time_ms, one.topic, one.partition, one.offset))
    if letters:
        out.print(_table(letters[-limit:] if limit else letters))
    for name, count in counts.most_common():
        meaning = MEANINGS[Reason(name)] if name in set(Reason) else ""
        out.print(f"[bold]{count:>9,}[/] {name:<14} {escape(meaning)}", soft_wrap=True)
    if not counts:
        out.print("no dead letters")


def _table(letters: list[Letter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("time (UTC)", "reason", "topic"):
        table.add_column(name, no_wrap=True)
    for name in ("partition", "offset", "bytes"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("begins with", no_wrap=True, overflow="ellipsis")
    for letter in letters:
        text = (letter.value or b"")[:EXCERPT_CHARACTERS].decode("utf-8", "backslashreplace")
        size = next(
            (value.decode() for name, value in letter.headers if name == "size"),
            str(len(letter.value or b"")),
        )
        when = datetime.fromtimestamp(letter.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        shown = "".join(character if character.isprintable() else "·" for character in text)
        table.add_row(
            when, letter.reason, letter.topic, str(letter.partition), str(letter.offset), size, escape(shown)
        )
    return table


def _as_json(letter: Letter) -> dict[str, Any]:
    return {
        "reason": letter.reason, "topic": letter.topic, "partition": letter.partition, "offset": letter.offset,
        "time": datetime.fromtimestamp(letter.time_ms / 1000, UTC).isoformat(),
        "key": letter.key.decode("utf-8", "backslashreplace") if letter.key is not None else None,
        "value": (letter.value or b"").decode("utf-8", "backslashreplace"),
    }  # fmt: skip


async def _replay(found: Settings, wanted: set[str], topics: set[str]) -> int:
    from consumers.cli.import_ import checking_decoder
    from consumers.kafka import Sender
    from stream.events.schema import TOPICS, Rejection

    decoder, now_ms = checking_decoder(found), int(time.time() * 1000)
    sent: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    async with Sender(found) as sender:
        async for letter in read(found):
            if (
                letter.reason not in wanted
                or (topics and letter.topic not in topics)
                or letter.topic not in TOPICS
            ):
                continue
            decoded = None if letter.cut else decoder.decode(letter.topic, letter.value, now_ms)
            if decoded is None or isinstance(decoded, Rejection):
                kept[decoded.reason.value if decoded else letter.reason] += 1
                continue
            own = [
                (name, value)
                for name, value in letter.headers
                if name not in ("reason", "topic", "partition", "offset")
            ]
            await sender.put(letter.topic, letter.key, letter.value, own)
            sent[letter.topic] += 1
        await sender.flush()
    out.print(
        (", ".join(f"{count:,} {name}" for name, count in sorted(sent.items())) or "nothing") + " sent back"
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
            seen.add(origin)
            yield letter


def _letter(record: Any, prefix: str) -> Letter:
    headers = [(str(name), bytes(value or b"")) for name, value in record.headers]
    said = {name: value.decode("utf-8", "replace") for name, value in headers}
    return Letter(
        reason=said.get("reason", "?"),
        topic=said.get("topic", "?").removeprefix(prefix),
        partition=int(said.get("partition", -1)),
        offset=int(said.get("offset", -1)),
        time_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=headers,
    )
