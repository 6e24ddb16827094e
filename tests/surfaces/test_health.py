"""Keys and the health board over the API: what is refused writes nothing, and no secret ever comes back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.surfaces.conftest import API, Served, refused, rows_of, serving

from tongdan.profile import seal_credentials
from tongdan.surfaces.http.app import create_app
from tongdan.surfaces.http.health import router_of
from tongdan.surfaces.http.keys import Scope

SECRET = "a-very-secret-word"
SPARE = {"task": "sf/main", "key": "spare", "fields": {"partner_id": "P", "check_word": SECRET}}


@pytest.fixture
async def sealed(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, Path("conf"), {}, {}, lambda data: seal_credentials(data, "li")) as served:
        served.app = create_app(served.parts, routers=[router_of(served.centre.health)])
        yield served


def files_with(text: str, folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def board(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(f"{API}/health/board")
    assert answer.status_code == 200 and SECRET not in answer.text
    return {each["task"]: each for each in answer.json()["tasks"]}


async def test_a_key_is_put_bound_and_shown_and_its_secret_is_nowhere(sealed: Served, tmp_path: Path) -> None:
    async with sealed.client(Scope.MANAGE, Scope.READ) as client:
        more = {"standby": True, "expires_on": "2030-01-31", "idle_days": 7, "allow": ["203.0.113.0/24"]}
        answer = await client.post(f"{API}/credentials/keys", json={**SPARE, **more})
        assert answer.status_code == 200, answer.text
        assert answer.json()["aggregate"] == "credential/sf/main"
        main = {**SPARE, "key": "main", "environment": "production"}
        assert (await client.post(f"{API}/credentials/keys", json=main)).status_code == 200
        found = (await board(client))["sf/main"]
        assert found["bound"] == "main" and found["environment"] == "production"
        keys = {each["key"]: each for each in found["keys"]}
        assert (keys["spare"]["standby"], keys["spare"]["expires_on"], keys["spare"]["allow"]) == (
            True, "2030-01-31", ["203.0.113.0/24"],
        )  # fmt: skip
        assert keys["spare"]["days_left"] in (6, 7) and keys["main"]["days_left"] is None
        body = {"task": "sf/main", "key": "spare", "reason": "renewed"}
        assert (await client.post(f"{API}/credentials/bind", json=body)).status_code == 200
        assert sealed.centre.credentials.get("sf/main")["check_word"] == SECRET
        (last, first) = (await board(client))["sf/main"]["bindings"]
        assert (last["before"], last["key"], last["reason"]) == ("main", "spare", "renewed")
        assert first["key"] == "main" and last["by"].startswith("key-")
    rows = [row for row in sealed.centre.reads.journal() if row.aggregate == "credential/sf/main"]
    assert [row.fact for row in rows] == ["KeyPut", "KeyPut", "KeyBound", "KeyBound"]
    assert all(SECRET not in str(row.body) and SECRET.encode() not in (row.raw or b"") for row in rows)
    assert files_with(SECRET, tmp_path) == []


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"task": "sf/none"}, 404, "unknown-task"),
        ({"environment": "test", "standby": True}, 409, "wrong-environment"),
        ({"fields": {}}, 422, "bad-key"),
        ({"fields": {"a b": "x"}}, 422, "bad-key"),
        ({"allow": ["nowhere"]}, 422, "bad-key"),
        ({"certificate": "no"}, 422, "bad-key"),
        ({"key": "No Name"}, 422, "invalid-field"),
        ({"environment": "sandbox"}, 422, "invalid-field"),
        ({"expires_on": "soon"}, 422, "invalid-field"),
    ],
)
async def test_what_is_no_key_is_refused_by_name_and_nothing_is_written(
    sealed: Served, tmp_path: Path, change: dict[str, object], status: int, error: str
) -> None:
    rows, file = rows_of(sealed), (tmp_path / "credentials.sealed.json").read_bytes()
    async with sealed.client(Scope.MANAGE) as client:
        answer = await client.post(f"{API}/credentials/keys", json={**SPARE, **change})
        await refused(answer, status, error)
        assert SECRET not in answer.text
    assert rows_of(sealed) == rows and (tmp_path / "credentials.sealed.json").read_bytes() == file


async def test_a_test_key_is_not_bound_to_a_production_task(sealed: Served) -> None:
    async with sealed.client(Scope.MANAGE) as client:
        sandbox = {**SPARE, "task": "finance/main", "key": "sandbox", "environment": "test"}
        assert (await client.post(f"{API}/credentials/keys", json=sandbox)).status_code == 200
        rows = rows_of(sealed)
        body = {"task": "finance/main", "key": "sandbox", "reason": "in a hurry"}
        answer = await client.post(f"{API}/credentials/bind", json=body)
        await refused(answer, 409, "wrong-environment")
        assert "- → main (li, " in answer.json()["message_zh"]
        assert rows_of(sealed) == rows


async def test_keys_that_lie_open_are_shown_as_such_and_not_added_to(served: Served) -> None:
    served.app = create_app(served.parts, routers=[router_of(served.centre.health)])
    async with served.client(Scope.MANAGE, Scope.READ, Scope.OPERATE) as client:
        await refused(await client.post(f"{API}/credentials/keys", json=SPARE), 409, "credentials-not-sealed")
        assert (await client.get(f"{API}/health/board")).json()["sealed"] is False


async def test_a_scan_is_recorded_shown_and_counted(sealed: Served) -> None:
    async with sealed.client(Scope.OPERATE, Scope.READ) as client:
        assert (await client.get(f"{API}/health/board")).json()["scans"] == []
        found = (await client.post(f"{API}/health/scan")).json()
        again = (await client.post(f"{API}/health/scan")).json()
        assert [scan["no"] for scan in again["scans"]] == [2, 1]
        checks = {(each["check"], each["severity"]) for each in found["findings"]}
        # sealed are an own shop's and finance's; nobody plays the world outside, so it is unknown
        assert checks == {
            ("no-key", "critical"), ("key-expiry", "unknown"), ("certificate", "unknown"), ("clock-skew", "unknown"),
        }  # fmt: skip
        assert found["findings"][0]["severity"] == "critical" and found["findings"][0]["mend_zh"]
        scan = found["scans"][0]
        assert scan["critical"] + scan["warning"] + scan["unknown"] == len(found["findings"])
        assert sealed.centre.reads.counts()["effects_outstanding"] == 0  # nobody is to be mailed
