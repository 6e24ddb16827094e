"""Promises of `backup` and `restore` on real processes: taken beside a centre under load, killed with SIGKILL, brought
back; what was acknowledged before the backup is there, what came later comes again under the same id.
"""

import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from tests.cli.conftest import CONF, tongdan

from tongdan.profile import reading

TONGDAN = (sys.executable, "-c", "from tongdan.cli.main import app; app()")
UP_WITHIN_S = 30.0
KEPT_APART = ("master.key", "credentials.json")


class Ordered(NamedTuple):
    """An order that was acknowledged."""

    no: str
    id: str
    at: datetime


class Buyers:
    """Orders come in one after another until told to stop."""

    def __init__(self, data: Path) -> None:
        self._secret = json.loads((data / "credentials.json").read_text())["own/mp-main"]["secret"].encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._buy)
        self.url = ""
        self.acknowledged: list[Ordered] = []

    def start(self, url: str) -> None:
        self.url = url
        self._thread.start()

    def more(self, n: int) -> None:
        """Wait until so many more have been acknowledged."""
        enough, until = len(self.acknowledged) + n, time.monotonic() + UP_WITHIN_S
        while len(self.acknowledged) < enough:
            assert time.monotonic() < until, "orders are not acknowledged"
            time.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)

    def _buy(self) -> None:
        for n in range(100_000):
            if self._stop.is_set():
                return
            try:
                reply = self.order(f"B-{n}")
            except httpx.HTTPError:
                continue
            if reply.status_code in (200, 201):
                id = reply.json()["order_id"]
                self.acknowledged.append(Ordered(f"B-{n}", id, datetime.now(UTC)))

    def order(self, no: str, **more: str) -> httpx.Response:
        receiver = {
            "name": "李雷",
            "phone": "13900000000",
            "province": "浙江省",
            "city": "杭州市",
            "district": "西湖区",
        }
        body = json.dumps(
            {
                "order_no": no, "user": f"u-{no}", "placed_at": "2026-01-27T15:00:00+08:00", "amount_fen": 9_900,
                "lines": [{"sku": "SHIRT", "units": 1, "amount_fen": 9_900}],
                "receiver": receiver | {"detail": "文三路 1 号"}, **more,
            }
        ).encode()  # fmt: skip
        stamp, nonce = str(int(time.time())), os.urandom(8).hex()
        signed = f"{stamp}\n{nonce}\n".encode() + body
        headers = {
            "x-tongdan-timestamp": stamp, "x-tongdan-nonce": nonce, "content-type": "application/json",
            "x-tongdan-signature": hmac.new(self._secret, signed, hashlib.sha256).hexdigest(),
        }  # fmt: skip
        return httpx.post(f"{self.url}/own/mp-main/orders", content=body, headers=headers, timeout=10)


class Serving:
    """`tongdan serve` with two processes, in a group of its own."""

    def __init__(self, data: Path) -> None:
        self._data = data
        ports = ("--push-port", "0", "--api-port", "0", "--processes", "2")
        command = [*TONGDAN, "serve", "--data", str(data), "--conf", str(CONF), *ports]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def url(self) -> str:
        until = time.monotonic() + UP_WITHIN_S
        while not (self._data / "serving.json").exists():
            assert self._process.poll() is None
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.05)
        url: str = json.loads((self._data / "serving.json").read_text())["push"]
        return url

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def serving(data: Path) -> Iterator[Serving]:
    serving = Serving(data)
    yield serving
    serving.kill()


@pytest.mark.server
def test_a_centre_under_load_is_backed_up_killed_and_brought_back(
    data: Path, tmp_path: Path, serving: Serving
) -> None:
    folder, to, buyers = tmp_path / "backups", tmp_path / "to", Buyers(data)
    buyers.start(serving.url())
    made = []
    for n in range(4):
        buyers.more(20)
        result = tongdan("backup", folder, *(["--add"] if n else []), "--data", data, "--json")
        assert result.exit_code == 0, result.output
        made.append(json.loads(result.stdout))
    buyers.more(20)
    serving.kill()
    lost_at = datetime.now(UTC)
    buyers.stop()
    assert [bool(each["adds_to"]) for each in made] == [False, True, True, True]
    assert max(each["held_ms"] for each in made) < 1_000
    to.mkdir()
    for name in KEPT_APART:
        shutil.copy2(data / name, to / name)
    shutil.rmtree(data)
    at = datetime.fromisoformat(made[2]["at"])
    result = tongdan(
        "restore", folder, "--to", to, "--conf", CONF, "--at", (at + timedelta(milliseconds=1)).isoformat(),
        "--until", lost_at.isoformat(), "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["clean"] is True
    _check(to, buyers, at)


def _check(to: Path, buyers: Buyers, at: datetime) -> None:
    before = [each for each in buyers.acknowledged if each.at < at]
    after = [each for each in buyers.acknowledged if each.at > at + timedelta(milliseconds=500)]
    assert len(before) > 10
    assert len(after) > 10
    again = Serving(to)
    try:
        buyers.url = again.url()
        known = {each.no: each.id for each in buyers.acknowledged}
        for each in (*before[:5], *before[-5:]):
            assert buyers.order(each.no).json()["order_id"] == each.id
        for each in (*after[:5], *after[-5:]):
            assert buyers.order(each.no, order_id=each.id).json()["order_id"] == each.id
        assert buyers.order("NEW-1").json()["order_id"] not in known.values()
        reads = reading(to)
        assert {reads.find("MP", "mp-main", each.no) for each in before} == {each.id for each in before}
    finally:
        again.kill()
    assert tongdan("verify", "--workers", "1", "--data", to).exit_code == 0


@pytest.mark.server
def test_again_and_again_until_it_is_stopped(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    command = [*TONGDAN, "backup", str(folder), "--every", "5s", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + UP_WITHIN_S
    while len(json.loads(tongdan("backup", "list", folder, "--json").stdout)) < 2:
        assert time.monotonic() < until
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=20)
    assert "Traceback" not in wrong
    assert ("whole" in said, "added to the last" in said) == (True, True)


# ---- without a centre


def test_backups_are_listed_and_thinned_out(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert json.loads(tongdan("backup", "list", folder, "--json").stdout) == []
    for n in range(3):
        result = tongdan("backup", folder, "--data", data, *(["--keep", "2"] if n == 2 else []))
        assert result.exit_code == 0, result.output
    listed = json.loads(tongdan("backup", "list", folder, "--json").stdout)
    assert len(listed) == 2
    assert listed[0]["name"] < listed[1]["name"]
    assert listed[1]["name"] in tongdan("backup", "list", folder).stdout


def test_no_secret_and_nobody_stands_in_a_backup(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert tongdan("backup", folder, "--data", data).exit_code == 0
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names == {"lock", "manifest.json", "1.json", *(f"shard-{n}.sqlite" for n in range(4))}
    held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    key = (data / "master.key").read_text().split()[0]
    for secret in (key.encode(), bytes.fromhex(key), "张三丰".encode(), b"13812341234"):
        assert secret not in held


def test_a_restore_needs_the_key_and_an_empty_place(data: Path, tmp_path: Path) -> None:
    folder, to = tmp_path / "backups", tmp_path / "to"
    assert tongdan("backup", folder, "--data", data).exit_code == 0
    without = tongdan("restore", folder, "--to", to, "--conf", CONF)
    assert (without.exit_code, "master.key" in without.output) == (1, True)
    assert {each.name for each in to.iterdir()} <= {"lock"}
    over = tongdan("restore", folder, "--to", data, "--conf", CONF)
    assert (over.exit_code, "is not empty" in over.output) == (1, True)
    shutil.copy2(data / "master.key", to / "master.key")
    early = tongdan("restore", folder, "--to", to, "--conf", CONF, "--at", "2020-01-01T00:00:00Z")
    assert (early.exit_code, "holds no backup" in early.output) == (1, True)
    long_ago = tongdan("restore", folder, "--to", to, "--conf", CONF, "--until", "2020-01-01T00:00:00Z")
    assert (long_ago.exit_code, {each.name for each in to.iterdir()}) == (2, {"lock", "master.key"})
    done = tongdan("restore", folder, "--to", to, "--conf", CONF)
    assert done.exit_code == 0, done.output
    assert "Everything agrees" in done.stdout


def test_orders_that_warehouses_know_are_read_from_a_file(data: Path, tmp_path: Path) -> None:
    folder, to, known = tmp_path / "backups", tmp_path / "to", tmp_path / "known.csv"
    assert tongdan("backup", folder, "--data", data).exit_code == 0
    to.mkdir()
    shutil.copy2(data / "master.key", to / "master.key")
    announced = reading(data).find("DY", "dy-main", "69001")
    known.write_text(f"\ufeffdeliveryOrderCode,sourceOrderCode\n{announced}-S1,69001\nDY20200101000000,5\n")
    result = tongdan("restore", folder, "--to", to, "--conf", CONF, "--known", known, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["reopened"]["back"], told["reopened"]["unfit"], told["clean"]) == (
        1,
        ["DY20200101000000"],
        True,
    )
    known.write_text("nonsense,1\nnonsense,2\n")
    assert tongdan("restore", folder, "--to", tmp_path / "x", "--known", known).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("backup",), ("backup", "a", "b"), ("backup", "a", "--every", "soon"), ("backup", "a", "--every", "1s"),
        ("restore", "nowhere", "--to", "x"), ("restore", ".", "--to", "x", "--at", "2026-01-27T10:00:00"),
        ("restore", ".", "--to", "x", "--at", "yesterday"),
    ],
)  # fmt: skip
def test_wrong_use_says_what_was_expected(words: tuple[str, ...]) -> None:
    result = tongdan(*words)
    assert result.exit_code == 2
    assert result.output
