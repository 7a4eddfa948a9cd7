"""The HTTP interface, over a store in memory and a Kafka that is made up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from consumers.api.app import Api
from consumers.kafka_access import KafkaUnavailable
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.report.query import RETENTION_PARAMETERS
from stream.store.memory import MemoryStore
from stream.store.protocol import StoreUnavailable
from tests.laws.profiles import examples
from tests.laws.world import LOG_ID
from tests.oracle_events import epoch_ms
from tests.stream.report.counted import counted, install, session

NOW_MS = epoch_ms("2026-11-23T10:00:00Z")
RECORDS = (
    install("anna", "2026-11-20", country="VN"),
    install("bo", "2026-11-20", country="US"),
    session("anna", "2026-11-21"),
)


class FakeKafka:
    """A Kafka that says what it is told to say."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, int], int] = dict.fromkeys([(topic, 0) for topic in TOPICS], 0)
        self.id = LOG_ID
        self.away = False
        self.asked = 0

    async def open(self) -> FakeKafka:
        if self.away:
            raise KafkaUnavailable("Kafka at nowhere:9092 cannot be reached")
        return self

    async def log_id(self) -> str:
        return self.id

    async def end_offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        self.asked += 1
        return self.ends


class Place:
    """An API that runs, with everything behind it."""

    def __init__(self, store: MemoryStore, **settings: Any) -> None:
        self.store, self.kafka = store, FakeKafka()
        self.api = Api(Settings(**settings), store, self.kafka.open, now_ms=lambda: NOW_MS)
        self.client: TestClient[Any, Any] = TestClient(TestServer(self.api.application(lambda: b"up 1\n")))

    async def get(self, path: str, status: int = 200) -> Any:
        response = await self.client.get(path)
        body = await response.read()
        assert response.status == status, body
        kind = "application/json" if status == 200 else "application/problem+json"
        assert response.content_type == kind
        return json.loads(body)

    async def refused(self, path: str, status: int = 400) -> str:
        problem = await self.get(path, status)
        assert problem["status"] == status
        assert problem["type"] == "about:blank"
        assert problem["title"]
        return str(problem["detail"])


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place(await counted(*RECORDS))
    async with place.client:
        yield place


async def test_a_triangle_has_the_members_of_the_contract_in_its_order(place: Place) -> None:
    answer = await place.get("/api/v1/retention?app=shop&from=2026-11-20&to=2026-11-20&periods=1")
    said = [answer.pop(name) for name in list(answer)[:8]]
    assert said == ["shop", "UTC", "day", "install", "session", "on", "calendar", "2026-11-23T10:00:00Z"]
    assert list(answer) == ["definition", "rows", "average", "known"]
    (row,) = answer["rows"]
    assert list(row) == ["cohort", "segment", "size", "size_complete", "cells"]
    assert [list(cell) for cell in row["cells"]] == [["n", "users", "rate", "low", "high", "complete"]] * 2
    assert [cell["users"] for cell in row["cells"]] == [2, 1]
    assert [list(cell) for cell in answer["average"]] == [
        ["n", "users", "size", "rate", "low", "high", "segment"]
    ] * 2


async def test_a_question_without_dates_is_about_the_last_30_days(place: Place) -> None:
    rows = (await place.get("/api/v1/retention?app=shop"))["rows"]
    assert [rows[0]["cohort"], rows[-1]["cohort"], len(rows)] == ["2026-10-25", "2026-11-23", 30]
    assert [len(row["cells"]) for row in rows] == list(range(30, 0, -1))


async def test_an_app_without_data_has_rows_of_nobody_in_its_zone() -> None:
    place = Place(MemoryStore(), timezones="ghost=Asia/Ho_Chi_Minh")
    async with place.client:
        answer = await place.get("/api/v1/retention?app=ghost")
        assert answer["timezone"] == "Asia/Ho_Chi_Minh"
        assert {row["size"] for row in answer["rows"]} == {0}
        assert {cell["rate"] for row in answer["rows"] for cell in row["cells"]} == {None}
        assert len((await place.get("/api/v1/active?app=ghost"))["rows"]) == 30


async def test_values_are_decoded_by_the_url_and_once_more_inside(place: Place) -> None:
    answer = await place.get("/api/v1/retention?app=shop&where=country:V%254E&from=2026-11-20&periods=0")
    assert answer["rows"][0]["size"] == 1
    answer = await place.get("/api/v1/retention?app=shop&where=country:(not+set)&from=2026-11-20&periods=0")
    assert answer["rows"][0]["size"] == 0


async def test_a_plus_in_as_of_that_nobody_encoded_is_understood(place: Place) -> None:
    answer = await place.get("/api/v1/retention?app=shop&as_of=2026-11-21T12:00:00+07:00")
    assert answer["as_of"] == "2026-11-21T05:00:00Z"


async def test_actives_have_the_members_of_the_contract_in_its_order(place: Place) -> None:
    answer = await place.get("/api/v1/active?app=shop&from=2026-11-21&to=2026-11-21&period=day")
    assert answer == {
        "rows": [
            {
                "date": "2026-11-21",
                "active": 1,
                "dau": 1,
                "wau": 2,
                "mau": 2,
                "stickiness": 0.5,
                "new": 0,
                "returning": 1,
                "resurrected": 0,
                "dormant": 1,
                "churn": 0.5,
                "installs": 0,
                "reinstalls": 0,
                "complete": True,
            }
        ],
        "known": True,
    }
    assert list(answer["rows"][0])[:6] == ["date", "active", "dau", "wau", "mau", "stickiness"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "app is missing"),
        ("app=Shop", "no app id"),
        ("app=shop&app=shop", "app is given twice"),
        ("app=shop&perids=3", "the parameters are app, from, to"),
        ("app=shop&period=fortnight", "period='fortnight' is unknown; choose one of hour, day, week, month"),
        ("app=shop&cohort=buyers", "is unknown; choose one of install, first_seen, first_purchase"),
        ("app=shop&return=money", "is unknown; choose one of session, purchase, any, revenue"),
        ("app=shop&criterion=rolling", "is unknown; choose one of on, on_or_after"),
        ("app=shop&window=elapsed&period=month", "choose period=day or period=week"),
        ("app=shop&window=elapsed&cohort=session", "choose install, first_seen or first_purchase"),
        ("app=shop&preset=adjust&period=hour", "of preset=adjust"),
        ("app=shop&preset=firebase", "choose one of amplitude, mixpanel, posthog, appsflyer, adjust"),
        ("app=shop&brackets=1-3&criterion=up_to", "choose on or on_or_after"),
        ("app=shop&brackets=3-1", "write them like 1-3,4-7,8"),
        ("app=shop&brackets=1,,2", "write them like 1-3,4-7,8"),
        ("app=shop&brackets=1-100000", "choose smaller ones"),
        ("app=shop&brackets=" + ",".join(map(str, range(1, 1002))), "at most 1,000"),
        ("app=shop&from=2000-01-01&period=hour", "more than 100,000 cells"),
        ("app=shop&from=20261120", "write it like 2026-11-20"),
        ("app=shop&from=2026-02-30", "write it like 2026-11-20"),
        ("app=shop&from=2026-11-21&to=2026-11-20", "swap them"),
        ("app=shop&periods=-1", "whole number from 0 to 99999"),
        ("app=shop&periods=100000", "at most 100,000 cells"),
        ("app=shop&from=1500-01-01", "more than 100,000 cells"),
        ("app=shop&limit=0&breakdown=country", "whole number from 1"),
        ("app=shop&breakdown=contry", "the dimensions are platform, country"),
        ("app=shop&where=contry:VN", "the dimensions are platform, country"),
        ("app=shop&where=country", "is not name:value"),
        ("app=shop&where=country:%25FF", "not UTF-8"),
        ("app=shop&as_of=yesterday", "write RFC 3339"),
        ("app=shop&as_of=2026-11-23T10:00:00", "write RFC 3339"),
        ("app=shop&as_of=0001-01-01T00:00:00Z", "too far away"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_told_what_to_change(
    place: Place, query: str, says: str
) -> None:
    assert says in await place.refused(f"/api/v1/retention?{query}")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "app is missing"),
        ("app=shop&period=year", "choose one of day, week, month"),
        ("app=shop&where=country:VN", "there is no parameter 'where'"),
        ("app=shop&from=1900-01-01", "more than 10,000 days"),
    ],
)
async def test_actives_are_refused_in_the_same_way(place: Place, query: str, says: str) -> None:
    assert says in await place.refused(f"/api/v1/active?{query}")


async def test_an_app_that_is_not_counted_is_refused() -> None:
    place = Place(MemoryStore(), apps="shop,game")
    async with place.client:
        assert "RETENTION_APPS" in await place.refused("/api/v1/retention?app=shpo")


async def test_what_is_not_there_is_told_what_is(place: Place) -> None:
    for path in ("/api", "/api/v1/retentoin", "/api/v2/retention", "/%FF", "/%ED%A0%80"):
        detail = await place.refused(path, 404)
        assert "/api/v1/retention" in detail
    assert "GET /api/v1/status" in (await place.get("/nothing", 404))["endpoints"]


async def test_another_method_is_told_which_one_is_possible(place: Place) -> None:
    response = await place.client.post("/api/v1/retention?app=shop")
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert "use GET" in (await response.json(content_type="application/problem+json"))["detail"]


async def test_a_bug_is_a_problem_without_its_stack(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret inside")

    place.store.view = broken  # type: ignore[method-assign, assignment]
    assert "secret" not in await place.refused("/api/v1/retention?app=shop", 500)
    assert "secret inside" in caplog.text


async def test_without_redis_everything_says_so_and_the_process_stays_healthy(place: Place) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("ConnectionError: refused")

    place.store.zones = place.store.positions = away  # type: ignore[method-assign, assignment]
    for path in ("/readyz", "/api/v1/retention?app=shop", "/api/v1/active?app=shop", "/api/v1/status"):
        assert "Redis gives no answer" in await place.refused(path, 503)
    assert await place.get("/healthz") == {"status": "healthy"}


async def test_before_the_data_is_found_to_be_ours_nothing_is_answered(place: Place) -> None:
    place.api.waiting = "waiting for Redis"
    assert "waiting for Redis" in await place.refused("/readyz", 503)
    assert "try again" in await place.refused("/api/v1/retention?app=shop", 503)
    assert await place.get("/healthz") == {"status": "healthy"}
    place.api.waiting = None
    assert await place.get("/readyz") == {"status": "ready"}


async def test_metrics_are_text_for_prometheus(place: Place) -> None:
    response = await place.client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert await response.text() == "up 1\n"


async def test_caught_up_means_that_every_partition_of_this_log_is_covered(place: Place) -> None:
    place.kafka.ends |= {where: at.next for where, at in (await place.store.positions()).items()}
    answer = await place.get("/api/v1/status")
    assert [answer[name] for name in ("caught_up", "lag", "applied", "dead_letters")] == [True, 0, 3, 0]
    assert [answer[name] for name in ("erased", "offset_holes")] == [0, 0]
    place.kafka.ends["sessions", 7] = 5
    answer = await place.get("/api/v1/status")
    assert (answer["caught_up"], answer["lag"]) == (False, 5)
    assert {"topic": "sessions", "partition": 7, "next": 0, "end": 5, "lag": 5} in answer["partitions"]


async def test_positions_of_another_log_cover_nothing(place: Place) -> None:
    place.kafka.ends |= {where: at.next for where, at in (await place.store.positions()).items()}
    place.kafka.id = "another"
    answer = await place.get("/api/v1/status")
    assert (answer["caught_up"], answer["lag"]) == (False, sum(place.kafka.ends.values()))


async def test_a_topic_that_kafka_does_not_show_is_not_covered(place: Place) -> None:
    place.kafka.ends = {(topic, 0): 0 for topic in TOPICS if topic != "purchases"}
    answer = await place.get("/api/v1/status")
    assert (answer["caught_up"], answer["lag"], answer["missing_topics"]) == (False, 0, ["purchases"])


@pytest.mark.parametrize("path", ["status", "apps"])
async def test_a_path_without_parameters_refuses_each(place: Place, path: str) -> None:
    assert "there is no parameter 'x' here" in await place.refused(f"/api/v1/{path}?x=1")


async def test_every_status_reads_the_ends_anew(place: Place) -> None:
    for asked in (1, 2):
        await place.get("/api/v1/status")
        assert place.kafka.asked == asked


async def test_without_kafka_the_status_says_so_and_the_numbers_are_shown(place: Place) -> None:
    place.kafka.away = True
    assert "Kafka at nowhere:9092" in await place.refused("/api/v1/status", 503)
    await place.get("/api/v1/retention?app=shop")


WORDS = st.sampled_from(
    [
        *("shop", "game", "0001-01-01", "0002-01-01", "9998-12-31", "9999-12-31", "2026-11-20", "2026-11-30"),
        *(
            "0",
            "1",
            "99999",
            "install",
            "first_seen",
            "session",
            "any",
            "on_or_after",
            "day",
            "country",
            "platform",
            "hour",
            "month",
            "revenue",
            "elapsed",
            "up_to",
            "1-3,4",
            "posthog",
        ),
        *(
            "country:VN",
            "country:(not set)",
            "platform:%",
            ":",
            ",",
            "2026-11-20T10:00:00Z",
            "9998-12-31T23:59:59-12:00",
        ),
        *("0002-01-01T00:00:00+14:00", "\x00", "\udcff", "٣", "é"),
    ]
)


@examples(150)
@given(
    given_=st.dictionaries(st.sampled_from(RETENTION_PARAMETERS), WORDS),
    path=st.sampled_from(["retention", "active"]),
)
async def test_no_question_makes_a_bug(given_: dict[str, str], path: str) -> None:
    place = Place(MemoryStore(), timezone="America/New_York")
    query = urlencode({"app": "shop"} | given_, errors="surrogatepass")
    async with place.client:
        response = await place.client.get(URL(f"/api/v1/{path}?{query}", encoded=True))
        body = json.loads(await response.read())
    assert response.status in (200, 400), body
    assert "rows" in body or body["detail"]


async def test_the_same_question_gets_the_same_bytes(place: Place) -> None:
    path = "/api/v1/retention?app=shop&breakdown=country&return=any"
    bodies = [await (await place.client.get(path)).read() for _ in range(2)]
    assert bodies[0] == bodies[1]


async def test_while_too_many_heavy_questions_wait_the_next_is_turned_away(place: Place) -> None:
    path, held = "/api/v1/retention?app=shop&return=any&from=2026-11-20", asyncio.Event()
    view, arrived = place.store.view, asyncio.Event()

    async def slow(*args: Any, **named: Any) -> Any:
        arrived.set()
        await held.wait()
        return await view(*args, **named)

    place.store.view = slow  # type: ignore[method-assign]
    place.api._gate._room = 1
    first = asyncio.create_task(place.get(path))
    await arrived.wait()
    assert "too many" in await place.refused(path, 503)
    assert await place.get("/healthz") == {"status": "healthy"}
    held.set()
    assert (await first)["rows"]
