"""Which process runs, what is done when one ends by itself, and how do all of them end?

A `Role` is a program that is kept running: when it ends without having been asked to, it is started again, sooner or later by how
often that happened lately. Each role runs in a session of its own, so that Ctrl-C in the terminal reaches only `retention up`,
which ends the roles in an order that loses nothing.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

TIED = str(Path(__file__).with_name("tied.py"))
BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
LOOP_ENDS, LOOP_SECONDS = 5, 60.0  # so many ends within so long are a crash loop
# A worker gives itself ten seconds; whoever waits at a terminal waits less. A worker that is killed loses nothing.
STOP_SECONDS = 8.0
TAIL_BYTES = 2048
NUMBER = re.compile(r"\d+")  # times and process ids do not make another reason
# How a line of our own log begins: of no use to who is told why a role ended.
LOG_HEAD = re.compile(r"^\S+Z (DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+[\w.]+: ")
TELLING = re.compile(r"\b(ERROR|CRITICAL|[Ee]rror|[A-Z]\w*(Error|Exception)):? ")


def tied(command: list[str]) -> list[str]:
    """The command as a child that dies with this process."""
    return [sys.executable, "-I", "-S", TIED, str(os.getpid()), *command]


class Role:
    """One supervised program.

    Args:
        name: how people call it, also the name of its log.
        command: makes the command line for each start.
        env: the environment it gets, nothing else.
        log: the file that gets its output.
        say: tells people.
        started: awaited after each start before the role counts as up; may raise to have it started again.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[], list[str]],
        *,
        env: Mapping[str, str],
        log: Path,
        say: Callable[[str], None],
        started: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.up = False
        self.ends = 0  # how often it has ended without having been asked to
        self._command = command
        self._env = dict(env)
        self._say = say
        self._started = started
        self._recent: deque[float] = deque(maxlen=LOOP_ENDS)
        self._words = "it said nothing"
        self._over = False
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def start(self) -> None:
        """Keeps the program running from now on."""
        self._task = asyncio.create_task(self._keep_running(), name=f"role {self.name}")

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ends the program for good: asks it to, and kills it when it has not ended after `seconds`."""
        self._over = True
        await self._halt(seconds)

    async def restart(self) -> None:
        """Starts the program anew, because what it depends on is another one now; does nothing once it was stopped."""
        await self._halt(STOP_SECONDS)
        if not self._over:
            self.start()

    def last_words(self) -> str:
        """Why it last ended: the signal, or as far as its log says the last error at its end, else the last line."""
        return self._words

    def _last_logged(self, begin: int) -> str:
        with self.log.open("rb") as file:
            file.seek(max(begin, self.log.stat().st_size - TAIL_BYTES))
            lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        telling = [line for line in lines if TELLING.search(line)] or lines
        return LOG_HEAD.sub("", telling[-1].strip()) if telling else "it said nothing"

    async def _keep_running(self) -> None:
        while True:
            begin, before = self.log.stat().st_size, self._words
            code = await self._run()
            # Of a signal the log knows nothing: its last line would be blamed for what it has nothing to do with.
            self._words = _reason(code) if code < 0 else self._last_logged(begin)
            self.ends += 1
            now = asyncio.get_running_loop().time()
            self._recent.append(now)
            recent = sum(end > now - LOOP_SECONDS for end in self._recent)
            wait = BACKOFF_SECONDS[min(recent, len(BACKOFF_SECONDS)) - 1]
            same = code >= 0 and recent > 1 and NUMBER.sub("", self._words) == NUMBER.sub("", before)
            why = "" if code < 0 else ", for the same reason" if same else f": {self._words}"
            if not same or recent == 2:
                self._say(f"{self.name} ended ({_reason(code)}){why}; starting it again in {wait:g} s")
            if recent == LOOP_ENDS:
                self._say(f"{self.name} keeps ending, {recent} times in {LOOP_SECONDS:g} s: see {self.log}")
            await asyncio.sleep(wait)

    async def _run(self) -> int:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tied(self._command()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        ready = asyncio.create_task(self._get_ready())
        try:
            return await self._process.wait()
        finally:
            self.up = False
            ready.cancel()
            await asyncio.wait([ready])

    async def _get_ready(self) -> None:
        if self._started is not None:
            try:
                await self._started()
            except Exception as error:
                self._say(f"{self.name} does not get ready: {error}")
                self._signal(signal.SIGTERM)
                return
        self.up = True

    async def _halt(self, seconds: float) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
        finally:
            # Whatever it has started itself goes with it, also when this wait is cut short.
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended already
                os.killpg(self._process.pid, number)


def _reason(code: int) -> str:
    try:
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
    except ValueError:
        return f"signal {-code}"
