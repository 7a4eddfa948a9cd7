"""Who may order the erasure of a user over HTTP, and what is then ordered?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumers import erasing
from tests.consumers.api.test_api import NOW_MS, Place
from tests.laws.world import decoder_of
from tests.stream.report.counted import counted, install, session

SECRET = "s" * 16
KEY = "an-admin-key"
USER = "/api/v1/users?app=game&user_id=anna"


class Sent:
    """A producer that keeps what it is given."""

    records: list[tuple[str, Any]] = []

    def __init__(self, settings: Any) -> None:
        self.records.clear()

    async def __aenter__(self) -> Sent:
        return self

    async def __aexit__(self, *error: object) -> None:
        return

    async def put(self, topic: str, key: bytes, value: bytes) -> None:
        self.records.append((topic, json.loads(value)))

    async def flush(self) -> None:
        return


async def place(**settings: Any) -> Place:
    found = Place(await counted(install("anna", "2026-11-20"), session("anna", "2026-11-21")), **settings)
    await found.client.start_server()
    return found


async def asked(at: Place, key: str | None, path: str = USER) -> tuple[int, Any]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    response = await at.client.delete(path, headers=headers)
    body = json.loads(await response.read())
    await at.client.close()
    return response.status, body


async def test_nobody_may_where_no_admin_key_is_set() -> None:
    status, body = await asked(await place(user_id_secret=SECRET), KEY)
    assert status == 403
    assert "RETENTION_ADMIN_KEY" in body["detail"]


MISSING, WRONG = (
    "show the admin key: Authorization: Bearer KEY",
    "the key that was shown is not the admin key",
)


@pytest.mark.parametrize(
    ("key", "says"), [(None, MISSING), ("", MISSING), ("wrong", WRONG), (KEY + "x", WRONG)]
)
async def test_whoever_does_not_show_the_key_is_refused_and_told_whether_it_was_missing(
    key: str | None, says: str
) -> None:
    status, body = await asked(await place(user_id_secret=SECRET, admin_key=KEY), key)
    assert (status, body["detail"]) == (401, says)
    assert KEY not in json.dumps(body)


async def test_an_erasure_names_hashes_and_no_user_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "Sender", Sent)
    monkeypatch.setattr(erasing, "AHEAD_MS", 1)
    status, body = await asked(await place(user_id_secret=SECRET, admin_key=KEY), KEY)
    assert status == 202
    assert body["ids"] == 1
    assert body["erased_until"] == NOW_MS + 1
    assert not body["known"], "the store was counted under another secret"
    [(topic, erasure)] = Sent.records
    assert topic == "erasures"
    assert "anna" not in json.dumps(erasure)
    assert erasure["users"] != [decoder_of("UTC").user("game", "anna").hex()], (
        "the hash depends on the secret"
    )


@pytest.mark.parametrize("path", ["/api/v1/users?app=game", "/api/v1/users?app=game&user_id=", USER + "&x=1"])
async def test_a_question_that_names_no_user_is_refused(path: str) -> None:
    assert (await asked(await place(user_id_secret=SECRET, admin_key=KEY), KEY, path))[0] == 400
