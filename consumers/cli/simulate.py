"""How do I get traffic whose retention is known beforehand? A seeded simulation, to Kafka or to a file."""

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from consumers.access import key_for
from consumers.cli.asking import checked
from consumers.cli.console import await_, check_writable, counted, err, out, progress, settings
from consumers.cli.waiting import caught_up
from consumers.settings import Settings, variable
from stream.events.schema import APP_ID

if TYPE_CHECKING:
    from consumers.demo import Record, Scenario, Traffic
    from consumers.feed import Sends

FIGURES = (1, 3, 7, 14, 30)


def simulate(
    users: Annotated[int, typer.Option(help="Users who install, about.", min=1)] = 1_000,
    days: Annotated[int, typer.Option(help="Days of installs and activity.", min=1, max=3_650)] = 31,
    seed: Annotated[int, typer.Option(help="The same seed and dates give the same bytes.", min=0)] = 1,
    app: Annotated[str, typer.Option(help="App of the events.")] = "demo",
    first_day: Annotated[
        str | None,
        typer.Option("--from", help="First date; by default the last day is yesterday.", metavar="DATE"),
    ] = None,
    rate: Annotated[
        float, typer.Option(help="Records a second; 0 is as fast as Kafka takes them.", min=0)
    ] = 0,
    garbage: Annotated[
        float, typer.Option(help="Share of records that nobody can count.", min=0, max=1)
    ] = 0.0,
    repeats: Annotated[float, typer.Option(help="Share of records that are sent twice.", min=0, max=1)] = 0.0,
    to_file: Annotated[
        Path | None, typer.Option("--out", help="Write NDJSON (.gz: compressed) instead of sending.")
    ] = None,
    answer: Annotated[
        Path | None, typer.Option(help="Gets the exact triangle that must come out, as JSON.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return only when the workers have counted everything.")
    ] = False,
    collector: Annotated[
        str | None, typer.Option(help="Send as apps do, through this collector.", metavar="URL")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Send the demo instead: 60 days, then live traffic until Ctrl-C.")
    ] = False,
) -> None:
    """Simulate traffic with a known answer: cohorts, sessions, purchases, seasons, countries and variants.

    Prints the D1, D3, D7, D14 and D30 retention that must come out (sessions, whole cohorts, pooled). Use an app of its own: with
    other events in it, or another seed, the numbers are sums of both. A collector that asks for a key gets one of
    RETENTION_WRITE_KEYS.

    Examples:

        retention simulate --app sim --users 5000 --days 60 --answer answer.json --wait && retention report --app sim
        retention simulate --app sim --garbage 0.01 --repeats 0.05 --seed 7
        retention simulate --collector http://127.0.0.1:8081
        retention simulate --live
        retention simulate --out events.ndjson.gz --from 2026-01-01 --days 90
    """
    from consumers.demo import Scenario, Traffic

    _check(app, collector, to_file, answer)
    given = _day(first_day) if first_day else None
    waits = wait and not to_file
    found = settings(*_needed(waits, bool(to_file or collector)))
    if not (live or to_file or collector):
        _check_counted(found, app)
    if live:
        return await_(_live(found, app, collector))
    first, zone_name = _begin(given, days, found.zone_name(app)), found.zone_name(app)
    scenario = Scenario(
        first, days, users / days, seed=seed, app=app, timezone=zone_name, garbage=garbage, repeats=repeats
    )
    traffic = Traffic(scenario)
    records = traffic.records(traffic.zone.day_start_ms(first + days))
    if to_file:
        _to_file(records, to_file)
    else:
        await_(_sent(found, records, scenario, rate, collector))
    _say(traffic, first + days - 1, to_file, answer)
    if waits:
        await_(caught_up(found))


def _check(app: str, collector: str | None, to_file: Path | None, answer: Path | None) -> None:
    if not APP_ID.fullmatch(app):
        raise typer.BadParameter(f"{app!r} is no app id: use [a-z0-9][a-z0-9_-]*", param_hint="--app")
    if collector is not None:
        checked(collector, "--collector", "http://127.0.0.1:8081")
    check_writable(to_file, "--out")
    check_writable(answer, "--answer")


def _check_counted(found: Settings, app: str) -> None:
    if found.apps is not None and app not in found.apps:
        raise typer.BadParameter(
            f"{app} is none of {variable('apps')}, nothing of it would be counted", param_hint="--app"
        )


def _needed(waits: bool, elsewhere: bool) -> list[str]:
    """Which settings: `elsewhere` is where nothing is sent to Kafka by this process."""
    if waits:
        return ["kafka", "redis_url"]
    return [] if elsewhere else ["kafka"]


def _begin(given: int | None, days: int, zone_name: str) -> int:
    """The first simulated day; all of them must be over."""
    from consumers.demo import day_of

    today = day_of(int(time.time() * 1000), zone_name)
    first = given if given is not None else today - days
    if first + days > today:
        raise typer.BadParameter(
            "the simulated days must be over: --from plus --days is after yesterday", param_hint="--from"
        )
    return first


def _to_file(records: "Iterator[Record]", path: Path) -> None:
    from stream.events.posted import item

    with path.open("wb") as raw, _packed(raw, path) as file:
        for record in records:
            file.write((item(record.topic, record.value) or record.value) + b"\n")


def _packed(raw: BinaryIO, path: Path) -> contextlib.AbstractContextManager[BinaryIO | gzip.GzipFile]:
    """The file, compressed if its name says so; without name and time in the header the same simulation is the same file."""
    if path.suffix != ".gz":
        return contextlib.nullcontext(raw)
    return gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0)


async def _sent(
    found: Settings, records: "Iterator[Record]", scenario: "Scenario", rate: float, collector: str | None
) -> None:
    async with _sender(found, scenario.app, collector) as sender:
        with progress(unit="records") as bar:
            task = bar.add_task("simulate", total=scenario.days, done=0)
            await _send(sender, records, rate, scenario, lambda **now: bar.update(task, **now))


@contextlib.asynccontextmanager
async def _sender(found: Settings, app: str, collector: str | None) -> "AsyncIterator[Sends]":
    """To Kafka, whose topics then exist, or over HTTP."""
    if collector:
        from consumers.intake.client import CollectorSender

        key = key_for(found.write_keys.get_secret_value(), app)
        async with CollectorSender(collector, key=key or "") as over_http:
            yield over_http
        return
    from consumers.kafka import Kafka, Sender

    async with Kafka(found) as kafka, Sender(found) as sender:
        await kafka.ensure_topics()
        yield sender


async def _live(found: Settings, app: str, collector: str | None) -> None:
    """The demo. Its history is no traffic of today: it goes straight to Kafka, as an import does, where Kafka is known."""
    from consumers.feed import feed

    def told(records: int) -> None:
        out.print(f"{records:,} records of history acknowledged by Kafka, live from now on")

    async with (
        _sender(found, app, None if found.kafka else collector) as history,
        _sender(found, app, collector) as now,
    ):
        await feed(history, now, timezone=found.zone_name(app), app=app, on_history=told)


async def _send(
    sender: Any, records: "Iterator[Record]", rate: float, scenario: "Scenario", show: Any
) -> None:
    began, number, span = time.monotonic(), 0, max(1, scenario.days) * 86_400_000
    first_ms = None
    for number, record in enumerate(records, 1):
        await sender.put(record.topic, record.key, record.value)
        first_ms = record.ts_ms if first_ms is None else first_ms
        if rate and (early := began + number / rate - time.monotonic()) > 0.05:
            await sender.flush()
            await asyncio.sleep(early)
        if number % 2_000 == 0:
            show(completed=(record.ts_ms - first_ms) / span * scenario.days, done=number)
            await asyncio.sleep(0)
    await sender.flush()
    show(completed=scenario.days, done=number)


def _say(traffic: "Traffic", last_day: int, to_file: Path | None, answer: Path | None) -> None:
    counts = traffic.answer.records
    out.print(
        ", ".join(counted(counts[name], name) for name in counts)
        + (f" in {to_file}" if to_file else " acknowledged by Kafka")
    )
    out.print(f"The answer for app [bold]{traffic.scenario.app}[/], days in {traffic.scenario.timezone}:")
    for n in FIGURES:
        users, size = traffic.answer.rate(n, last_day)
        if size:
            out.print(f"  D{n:<3} {users / size:7.2%}   {users:,} of {counted(size, 'users')}")
    if answer:
        answer.write_text(json.dumps(traffic.answer.as_json(traffic.scenario, last_day), indent=1) + "\n")
        err.print(f"the exact triangle stands in {answer}")


def _day(text: str) -> int:
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date: write 2026-01-31", param_hint="--from") from None
