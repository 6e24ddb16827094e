"""A token shows the stage of one order and when it is to leave, and nothing else, to any page, until it ends."""

from datetime import timedelta

from tests.surfaces.conftest import API, SECRETS, Served, refused, rows_of

from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.pace import MOST_A_SECOND, Pace

LOOK = "/widget/v1/orders"


async def issued(served: Served, id: str) -> str:
    async with served.client(Scope.READ) as client:
        made = await client.post(f"{API}/orders/{id}/widget-token", json={"days": 1})
        assert made.status_code == 200 and made.json()["token"] in made.json()["html"]
        token: str = made.json()["token"]
        return token


async def test_a_token_shows_stage_and_promise_to_any_page_and_nothing_else(served: Served) -> None:
    id = await served.place()
    rows = rows_of(served)
    token = await issued(served, id)
    async with served.stranger({"Origin": "https://shop.example"}) as page:
        answer = await page.get(f"{LOOK}/{token}")
    assert set(answer.json()) == {"stage", "stage_zh", "ship_by", "as_of"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert not any(secret in answer.text for secret in (*SECRETS, id, "A1"))
    assert rows_of(served) == rows


async def test_what_is_forged_changed_or_over_opens_nothing(served: Served) -> None:
    id, other = await served.place("A1"), await served.place("A2")
    token = await issued(served, id)
    _, until_s, digest = token.split(".")
    old = f"{id}.{int((served.centre.clock.now() - timedelta(seconds=1)).timestamp())}"
    forged = [
        "x", "a.b.c", f"{id}.{until_s}.00", f"{other}.{until_s}.{digest}", f"{id}.{int(until_s) + 1}.{digest}",
        f"{id}.{'9' * 30}.{digest}", f"{old}.{served.centre.vault.token('widget', old).hex()}",
        f"{id}.{until_s}.{served.centre.vault.token('session', f'{id}.{until_s}').hex()}",
    ]  # fmt: skip
    async with served.stranger() as page:
        for each in forged:
            answer = await page.get(f"{LOOK}/{each}")
            await refused(answer, 404, "wrong-token")
            assert answer.headers["access-control-allow-origin"] == "*"


def test_so_many_answers_a_second_and_no_more() -> None:
    pace = Pace()
    assert all(pace.admits(5.0) for _ in range(MOST_A_SECOND))
    assert not pace.admits(5.9)
    assert pace.admits(6.0) and pace.admits(6.1)
