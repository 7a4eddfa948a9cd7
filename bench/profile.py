"""Where does the worker's time go? Its stacks, sampled while it counts the backlog, and the CPU time of the servers."""

import json
import time
from collections import Counter
from typing import Any

import psutil

from bench.bars import Row
from bench.machine import Machine
from bench.throughput import Ends, workers
from bench.traffic import backlog, written

TOP_FUNCTIONS = 12
# The first entry whose text is in the innermost known file of a stack names its step.
STEPS = (
    ("/stream/events/", "decode"),
    ("/stream/engine.py", "decode: group by user"),
    ("/stream/retention/days.py", "decode"),
    ("/stream/pipeline.py", "plan"),
    ("/stream/shortcuts.py", "plan"),
    ("/stream/known.py", "plan"),
    ("/stream/persons.py", "plan: persons"),
    ("/stream/retention/", "plan"),
    ("/stream/store/codec.py", "plan: record bytes"),
    ("/stream/store/words.py", "plan: record bytes"),
    ("/stream/store/stretches.py", "plan: record bytes"),
    ("/stream/store/stored.py", "plan: record bytes"),
    ("/stream/store/packing.py", "pack"),
    ("/stream/", "apply: cache and calls"),
    ("/redis/", "redis client"),
    ("/aiokafka/", "kafka client"),
    ("/consumers/", "transport and agents"),
    ("/faust/", "faust"),
    ("/mode/", "faust"),
    ("selectors.py", "waiting"),
    ("/asyncio/", "event loop"),
)


async def profile(machine: Machine) -> list[Row]:
    """Share of time by step for the main thread, the top functions, and CPU seconds by process."""
    store = machine.store()
    settings = machine.settings(store, "mix.")
    ends: Ends = (
        machine.kept.get("backlog") or (await written(settings, backlog(machine.sizes.backlog_events)))[1]
    )
    path = machine.directory / "samples.json"
    servers = {"broker": psutil.Process(machine.broker().pid), "valkey": psutil.Process(store.pid)}
    before = {name: _cpu(process) for name, process in servers.items()}
    began = time.monotonic()
    pace = await workers(machine, store, "mix.", ends, 1, path)
    ended = time.monotonic()
    used = {name: _cpu(process) - before[name] for name, process in servers.items()}
    counting = sum(ends.values()) / pace.steady
    samples = json.loads(path.read_text())["samples"]
    # What it does before the first batch and after the last one is not counting.
    first = min((at for at, name, stack in samples if name == "main" and _in_engine(stack)), default=began)
    last = max((at for at, name, stack in samples if name == "main" and _in_engine(stack)), default=ended)
    counted = [(name, stack) for at, name, stack in samples if first <= at <= last]
    rows = [Row("events counted meanwhile", pace.steady, "events/s", note="with the sampling on")]
    rows += [
        Row(f"CPU of {name}", seconds / counting, "cores", note=f"{seconds:.1f} s")
        for name, seconds in used.items()
    ]
    return rows + _shares("main", counted) + _shares("fetching", counted)[:4] + _functions(counted)


def _cpu(process: Any) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _in_engine(stack: list[list[str]]) -> bool:
    return any(file.endswith("/stream/engine.py") for file, _ in stack)


def _step(stack: list[list[str]]) -> tuple[str, str]:
    """The step, and the innermost known function."""
    for file, function in stack:
        for text, step in STEPS:
            if text in file:
                return step, f"{'/'.join(file.split('/')[-2:])}:{function}"
    return "other", f"{stack[0][0].split('/')[-1]}:{stack[0][1]}" if stack else "?"


def _shares(thread: str, samples: list[tuple[str, list[list[str]]]]) -> list[Row]:
    steps = Counter(_step(stack)[0] for name, stack in samples if name == thread)
    total = max(1, steps.total())
    return [Row(f"{thread} thread: {step}", 100 * count / total, "%") for step, count in steps.most_common()]


def _functions(samples: list[tuple[str, list[list[str]]]]) -> list[Row]:
    found = Counter(_step(stack) for name, stack in samples if name == "main")
    total = max(1, found.total())
    busy = ((key, count) for key, count in found.most_common() if key[0] != "waiting")
    top = [(key, count) for key, count in busy][:TOP_FUNCTIONS]
    return [Row(f"  {function}", 100 * count / total, "%", note=step) for (step, function), count in top]
