"""Keys at the door of the interface: who gets which answer, and that nobody learns anything at a closed door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from consumers.api.openapi import OPERATIONS
from tests.consumers.api.test_api import Place
from tests.strategies import Record
from tests.stream.report.counted import LATE_MS, counted, install

SHOP, GAME, ALL, ADMIN, METRICS = "key-of-shop", "key-of-game", "key-of-all", "key-of-admin", "key-of-metrics"
READ = sorted(path for path in OPERATIONS if path.startswith("/api/v1/") and OPERATIONS[path].method == "get")
OF_APPS = {
    path: path + ("?app=shop&dimension=country&a=VN&b=US" if path == "/api/v1/compare" else "?app=shop")
    for path in READ
    if path not in ("/api/v1/apps", "/api/v1/status")
} | {"/api/v1/values": "/api/v1/values?app=shop&dimension=country"}


def game(user: str) -> Record:
    said = {
        "event_id": user,
        "app_id": "game",
        "user_id": user,
        "timestamp": "2026-11-20T12:00:00Z",
    }
    return Record("installs", json.dumps(said).encode(), LATE_MS)


@pytest.fixture
async def closed() -> AsyncIterator[Place]:
    """An API with two apps, and keys for them."""
    place = Place(
        await counted(install("anna", "2026-11-20", country="VN"), game("bo")),
        read_keys=f"shop={SHOP},shop={SHOP}-new,game={GAME},*={ALL}",
        admin_key=ADMIN,
        metrics_key=METRICS,
    )
    async with place.client:
        yield place


async def answer(place: Place, path: str, key: str | None, scheme: str = "Bearer") -> tuple[int, Any, Any]:
    headers = {} if key is None else {"Authorization": f"{scheme} {key}"}
    response = await place.client.get(path, headers=headers)
    body = await response.read()
    kind = "application/json" if response.status == 200 else "application/problem+json"
    if path != "/metrics" or response.status != 200:
        assert response.content_type == kind
        return response.status, json.loads(body), response.headers
    return response.status, body, response.headers


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize(
    ("key", "scheme"),
    [(None, ""), ("another", "Bearer"), (SHOP, "Basic"), ("", "Bearer"), (SHOP[:-1], "Bearer")],
)
async def test_without_a_key_there_is_no_answer_below_api(
    closed: Place, path: str, key: str | None, scheme: str
) -> None:
    status, body, headers = await answer(closed, OF_APPS.get(path, path), key, scheme)
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "a read key of the app" in body["detail"]
    assert "shop" not in json.dumps(body)


@pytest.mark.parametrize("path", ["/api/v1/active?app=shop", "/metrics"])
async def test_a_wrong_key_is_told_from_a_missing_one(closed: Place, path: str) -> None:
    said = {key: (await answer(closed, path, key))[1]["detail"] for key in (None, "", "another", SHOP[:-1])}
    assert said[None] == said[""]
    assert said[None].startswith("show ")
    assert said["another"] == said[SHOP[:-1]]
    assert said["another"].startswith("the key that was shown is not ")


@pytest.mark.parametrize("path", OF_APPS)
async def test_a_key_opens_its_app_and_no_other(closed: Place, path: str) -> None:
    asked = OF_APPS[path]
    for key in (SHOP, f"{SHOP}-new", ALL, ADMIN):
        assert (await answer(closed, asked, key))[0] == 200, key
    status, body, _ = await answer(closed, asked, GAME)
    assert status == 403
    assert "'shop'" in body["detail"]
    # An app that does not exist is refused with the same words: the door does not say which apps there are.
    ghost, other, _ = await answer(closed, asked.replace("app=shop", "app=ghost"), GAME)
    assert (ghost, other["detail"].replace("ghost", "shop")) == (status, body["detail"])


async def test_the_app_of_another_cannot_be_smuggled_in(closed: Place) -> None:
    for query in ("app=game&app=shop", "app=shop&app=game", "app=game%00&app=shop"):
        assert (await answer(closed, f"/api/v1/active?{query}", GAME))[0] == 403
    assert (await answer(closed, "/api/v1/active", GAME))[0] == 400, "no app is no app"


async def test_apps_are_those_of_the_key(closed: Place) -> None:
    async def seen(key: str) -> list[str]:
        return [one["app"] for one in (await answer(closed, "/api/v1/apps", key))[1]["apps"]]

    assert [await seen(key) for key in (SHOP, GAME)] == [["shop"], ["game"]]
    assert [await seen(key) for key in (ALL, ADMIN)] == [["game", "shop"]] * 2


async def test_probes_page_and_description_need_no_key(closed: Place) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert (await answer(closed, path, None))[0] == 200
    for path in ("/", "/page/key.js"):
        assert (await closed.client.get(path)).status == 200


async def test_metrics_have_a_key_of_their_own(closed: Place) -> None:
    assert (await answer(closed, "/metrics", METRICS))[:2] == (200, b"up 1\n")
    for key in (None, SHOP, ADMIN):
        status, _, headers = await answer(closed, "/metrics", key)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_a_read_key_does_not_erase(closed: Place) -> None:
    for key in (SHOP, ALL):
        response = await closed.client.delete(
            "/api/v1/users?app=shop&user_id=anna", headers={"Authorization": f"Bearer {key}"}
        )
        assert response.status == 401


async def test_a_closed_door_is_closed_also_while_nothing_can_be_answered(closed: Place) -> None:
    closed.api.waiting = "waiting for Redis"
    assert (await answer(closed, "/api/v1/active?app=shop", None))[0] == 401
    assert (await answer(closed, "/api/v1/active?app=shop", SHOP))[0] == 503


async def test_the_description_says_which_keys_are_asked_for(closed: Place) -> None:
    described = (await answer(closed, "/openapi.json", None))[1]
    assert set(described["components"]["securitySchemes"]) == {"admin", "metrics", "read"}
    for path in READ:
        operation = described["paths"][path]["get"]
        assert operation["security"] == [{"read": []}]
        assert {"401", "403"} <= set(operation["responses"])
    assert described["paths"]["/metrics"]["get"]["security"] == [{"metrics": []}]
    assert "security" not in described["paths"]["/healthz"]["get"]
    open_ = Place(closed.store)
    async with open_.client:
        assert "security" not in (await open_.get("/openapi.json"))["paths"]["/api/v1/active"]["get"]


async def test_no_answer_repeats_a_key(closed: Place) -> None:
    for path in (*READ, "/metrics", "/nothing"):
        for key in (SHOP, GAME, "hunter2"):
            response = await closed.client.get(path, headers={"Authorization": f"Bearer {key}"})
            assert key not in await response.text() + str(response.headers)
