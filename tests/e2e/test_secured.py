"""The whole product with every door closed: TLS and users at Kafka and Redis, keys at HTTP, secrets in files, none of them seen."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from consumers.kafka import DEAD_LETTERS, REVISIONS, Kafka, Sender, stored_records
from consumers.kafka_access import KafkaUnavailable
from consumers.local.servers import free_port
from consumers.settings import Settings, load
from stream.events.schema import TOPICS
from tests.e2e.running import RETENTION
from tests.redis_server import PASSWORDS, SecureRedis
from tests.secure import USERS, allow
from tests.servers import ApacheKafka
from tests.waiting import wait_until_now

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ROLES = ("worker", "api", "collector", "exporter", "watch")
PORTS = {role: f"{role.upper()}_PORT" for role in ROLES} | {"api": "HTTP_PORT"}
REDIS_USERS = {"worker": "worker", "watch": "worker", "audit": "admin"}  # everybody else only reads
KAFKA_USERS = {"worker": "worker", "collector": "collector", "api": "api", "exporter": "api", "watch": "api"}
OTHERS = "operator"  # who runs commands
# What may be seen nowhere. The key of another app is one of them: it stands in the same settings.
CANARIES = {
    name: f"canary-of-{name}-0123456789"
    for name in (
        "worker",
        "reader",
        "admin-of-redis",
        "operator",
        "user-ids",
        "read",
        "write",
        "admin",
        "metrics",
        "other",
    )
} | {f"kafka-{user}": password for user, password in USERS.items()}


def rights(prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """The table of docs/security.md."""
    group, written = prefix, [topic for topic in TOPICS if topic != "erasures"]
    for user in ("worker", "api", OTHERS):
        yield from ((user, "read", "topic", prefix + topic) for topic in TOPICS)
    for user in ("collector", OTHERS):
        yield from ((user, "write", "topic", prefix + topic) for topic in written)
    yield from (("worker", "write", "topic", prefix + topic) for topic in (DEAD_LETTERS, REVISIONS))
    for user in ("collector", "api", OTHERS):
        yield from (
            (user, "describe", "topic", prefix + topic) for topic in (*TOPICS, DEAD_LETTERS, REVISIONS)
        )
    for user in ("api", OTHERS):
        yield user, "write", "topic", prefix + "erasures"
    yield OTHERS, "read", "topic", prefix + DEAD_LETTERS
    yield "worker", "read", "group", group
    yield "api", "describe", "group", group


class Fortress:
    """Roles that run, each with what it needs in files, and everything that was ever written by one of them."""

    def __init__(self, directory: Path, kafka: ApacheKafka, redis: SecureRedis) -> None:
        self.directory, self.ports = directory, {role: free_port() for role in ROLES}
        self._redis, self.stranger = redis, kafka.certificates.stranger
        self._roles: dict[str, subprocess.Popen[bytes]] = {}
        self.seen: list[str] = []
        prefix = kafka.prefix()
        secrets = {
            "USER_ID_SECRET": CANARIES["user-ids"],
            "READ_KEYS": f"shop={CANARIES['read']}\nother={CANARIES['other']}",
            "WRITE_KEYS": f"shop={CANARIES['write']}",
            "ADMIN_KEY": CANARIES["admin"],
            "METRICS_KEY": CANARIES["metrics"],
        }
        plain = {
            "KAFKA": kafka.secure,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CAFILE": str(kafka.certificates.ca),
            "REDIS_SSL_CAFILE": str(redis.certificates.ca),
            "TOPIC_PREFIX": prefix,
            "GROUP": prefix,
            "DATA_DIR": str(directory / "none"),
            "LOG_LEVEL": "debug",  # what is written at all is written here
            "PARTITIONS": "1",
        }
        self._env = plain | {f"{name}_FILE": self._file(name, text) for name, text in secrets.items()}
        self._env |= {PORTS[role]: str(port) for role, port in self.ports.items()}

    def _file(self, name: str, text: str) -> str:
        file = self.directory / name
        file.write_text(text + "\n")
        return str(file)

    def env(self, command: str, **more: str) -> dict[str, str]:
        """The environment of a command: its Redis user, and no password."""
        user = REDIS_USERS.get(command, "reader")
        password = self._file(f"redis-{user}", CANARIES["admin-of-redis" if user == "admin" else user])
        redis = {
            "REDIS_URL": f"rediss://{user}@127.0.0.1:{self._redis.port}/0",
            "REDIS_PASSWORD_FILE": password,
        }
        who = KAFKA_USERS.get(command, OTHERS)
        file = self._file(f"kafka-{who}", USERS[who])
        given = self._env | redis | {"KAFKA_USERNAME": who, "KAFKA_PASSWORD_FILE": file} | more
        return {"PATH": os.environ["PATH"]} | {f"RETENTION_{name}": text for name, text in given.items()}

    def settings(self, command: str = "import") -> Settings:
        return load(self.env(command), use_up=False)

    def start(self, role: str) -> None:
        with (self.directory / f"{role}.log").open("wb") as log:
            self._roles[role] = subprocess.Popen(
                [*RETENTION, role], env=self.env(role), stdout=log, stderr=subprocess.STDOUT
            )

    def run(self, *words: str, code: int = 0, **more: str) -> str:
        """A command in a second terminal."""
        done = subprocess.run(
            [*RETENTION, *words], env=self.env(words[0], **more), capture_output=True, text=True, timeout=60
        )
        self.seen.append(done.stdout + done.stderr)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ask(self, role: str, path: str, key: str | None = None, body: Any = None, method: str = "GET") -> Any:
        """Status and text of an answer; status 0 while nobody listens."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.ports[role]}{path}"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        except OSError:
            return 0, ""
        self.seen.append(text)
        return status, text

    def ready(self, role: str) -> bool:
        assert self._roles[role].poll() is None, (self.directory / f"{role}.log").read_text()[-4000:]
        return bool(self.ask(role, "/readyz")[0] == 200)

    def command_lines(self) -> list[str]:
        return [" ".join(psutil.Process(role.pid).cmdline()) for role in self._roles.values()]

    def denied(self) -> set[str]:
        """What Redis was asked for by somebody who may not."""
        return set(re.findall(r"\$6\r\nobject\r\n\$\d+\r\n(.*?)\r\n", self._redis.ask("ACL", "LOG")))

    def stop(self) -> dict[str, int]:
        for role in self._roles.values():
            role.terminate()
        return {name: role.wait(30) for name, role in self._roles.items()}

    def kill(self) -> None:
        for role in self._roles.values():
            role.kill()
            role.wait()


@pytest.fixture
def fortress(
    tmp_path: Path, kafka: ApacheKafka, make_redis: Callable[..., SecureRedis]
) -> Iterator[Fortress]:
    passwords = {user: CANARIES["admin-of-redis" if user == "admin" else user] for user in PASSWORDS}
    one = Fortress(tmp_path, kafka, make_redis(kafka.certificates, passwords=passwords))
    plain = Settings(kafka=kafka.bootstrap, topic_prefix=one.settings().topic_prefix, partitions=1)
    asyncio.run(topics(plain))
    allow(kafka.port, rights(plain.topic_prefix))
    yield one
    one.kill()


async def topics(settings: Settings) -> None:
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()


async def may(settings: Settings, topic: str, act: str) -> bool:
    """Whether the user of the settings may read or write a topic."""
    try:
        if act == "write":
            async with Sender(settings) as sender:
                await sender.put(topic, None, b"garbage")
                await sender.flush()
        else:
            async with asyncio.timeout(10):
                [record async for record in stored_records(settings, topic)]
    except KafkaUnavailable as error:
        return "TOPIC_AUTHORIZATION_FAILED" not in str(error)  # another trouble proves nothing
    return True


def event(type_: str, number: int) -> dict[str, Any]:
    return {
        "type": type_,
        "event_id": f"{type_} {number}",
        "user_id": f"u{number}",
        "timestamp": "2026-11-20T12:00:00Z",
    }


async def garbage(settings: Settings) -> None:
    async with Sender(settings) as sender:
        await sender.put("sessions", b"k", b"garbage", [("x\ny", b"\xff\x00\r\nz")])
        await sender.flush()


def caught_up(fortress: Fortress, records: int) -> bool:
    status, text = fortress.ask("api", "/api/v1/status", CANARIES["read"])
    said = json.loads(text) if status == 200 else {}
    return bool(said.get("caught_up")) and said["applied"] + said["dead_letters"] + said["erased"] >= records


def test_everything_works_behind_closed_doors_and_no_secret_is_seen(fortress: Fortress) -> None:
    for role in ROLES:
        fortress.start(role)
    for role in ROLES:
        wait_until_now(lambda role=role: fortress.ready(role), 60, what=f"{role} is ready")

    # Events come in by the collector and by a file, and one of them is garbage.
    posted = [event("install", 0), event("session", 0)]
    assert fortress.ask("collector", "/api/v1/events", None, posted, "POST")[0] == 401
    status, text = fortress.ask("collector", "/api/v1/events", CANARIES["write"], posted, "POST")
    assert (status, json.loads(text)["accepted"]) == (202, 2)
    file = fortress.directory / "events.ndjson"
    file.write_text("".join(json.dumps(event("install", n) | {"app_id": "shop"}) + "\n" for n in range(1, 9)))
    fortress.run("import", str(file), "--wait")
    asyncio.run(garbage(fortress.settings()))
    wait_until_now(lambda: caught_up(fortress, 11), 60, what="all of it is counted")

    # The numbers, for who has a key of the app.
    path = "/api/v1/retention?app=shop&from=2026-11-20&to=2026-11-20&periods=0"
    status, text = fortress.ask("api", path, CANARIES["read"])
    assert json.loads(text)["rows"][0]["size"] == 9
    elapsed = path + "&window=elapsed&as_of=2026-11-20T13:00:00Z"  # read off the records of all users
    assert fortress.ask("api", elapsed, CANARIES["read"])[0] == 200
    assert fortress.ask("api", path)[0] == 401
    assert fortress.ask("api", path, CANARIES["other"])[0] == 403
    url = f"http://127.0.0.1:{fortress.ports['api']}"
    asked = ("report", "--app", "shop", "--from", "2026-11-20", "--to", "2026-11-20", "--url", url)
    assert "100%" in fortress.run(*asked)
    for role in ROLES:
        assert fortress.ask(role, "/metrics")[0] == 401
        assert fortress.ask(role, "/metrics", CANARIES["metrics"])[0] == 200
        assert fortress.ask(role, "/nothing")[0] == 404

    # What the operator does.
    assert "garbage" in fortress.run("dead-letters")
    assert "no differences" in fortress.run("audit")
    user = "/api/v1/users?app=shop&user_id=u1"
    assert fortress.ask("api", user, CANARIES["read"], method="DELETE")[0] == 401
    assert fortress.ask("api", user, CANARIES["admin"], method="DELETE")[0] == 202
    fortress.run("erase", "u2", "--app", "shop", "--wait")
    wait_until_now(lambda: caught_up(fortress, 13), 60, what="the erasures are counted")
    assert json.loads(fortress.ask("api", path, CANARIES["read"])[1])["rows"][0]["size"] == 7
    config = fortress.run("config")
    assert config.count("********") >= 8

    # Nobody may more at Kafka than it needs.
    for command, topic, act in (
        ("worker", "sessions", "write"),
        ("worker", "erasures", "write"),
        ("collector", "erasures", "write"),
        ("collector", "sessions", "read"),
        ("api", "sessions", "write"),
        ("api", DEAD_LETTERS, "read"),
    ):
        assert not asyncio.run(may(fortress.settings(command), topic, act)), (command, topic, act)

    # At Redis nobody asks for more than it may, but for a limit that has a default; readers, also before a worker has begun.
    assert fortress.denied() <= {"config|get", "hsetnx"}

    # Who is wrong is told so in one line.
    assert "not trusted" in fortress.run("audit", code=1, REDIS_SSL_CAFILE=str(fortress.stranger))
    wrong = fortress.run("audit", code=1, REDIS_SSL_CAFILE=str(fortress.directory / "USER_ID_SECRET"))
    assert "RETENTION_REDIS_SSL_CAFILE=" in wrong

    lines = fortress.command_lines()
    logs = [log.read_text() for log in fortress.directory.glob("*.log")]
    for canary in CANARIES.values():
        for text in (*lines, *fortress.seen, *logs):
            assert canary not in text, text[max(0, text.find(canary) - 300) :][:600]
    assert fortress.stop() == dict.fromkeys(ROLES, 0)
