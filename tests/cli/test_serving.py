"""Promises of the commands that stay: `serve` listens on both ports, with as many processes as it is told; one that
dies comes back; it is asked about dead letters while it runs, and ends cleanly on Ctrl-C, whole; a second centre is
turned away; `demo` runs day after day on the same data and says what happened.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import CONF, tongdan

from tongdan.profile import reading

pytestmark = pytest.mark.server
TONGDAN = (sys.executable, "-c", "from tongdan.cli.main import app; app()")
UP_WITHIN_S = 30.0


def _serve(data: Path, *more: str, push_port: str = "0") -> list[str]:
    ports = ("--push-port", push_port, "--api-port", "0")
    return [*TONGDAN, "serve", "--data", str(data), "--conf", str(CONF), *ports, *more]


@contextmanager
def serving(data: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`tongdan serve` as soon as it takes orders; killed in the end, whatever comes."""
    process = subprocess.Popen(_serve(data, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + UP_WITHIN_S
        while not (data / "serving.json").exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def centre(data: Path) -> Iterator[subprocess.Popen[str]]:
    with serving(data, "--processes", "2") as process:
        yield process


def _children(process: subprocess.Popen[str]) -> set[int]:
    told = subprocess.run(("pgrep", "-P", str(process.pid)), capture_output=True, text=True, check=False)
    return {int(pid) for pid in told.stdout.split()}


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Ctrl-C, and how it ends: exit code and standard error."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    return process.returncode, err


def _urls(data: Path) -> dict[str, str]:
    told: dict[str, str] = json.loads((data / "serving.json").read_text())
    return told


def test_it_listens_on_both_ports_and_ends_cleanly(data: Path, centre: subprocess.Popen[str]) -> None:
    urls = _urls(data)
    assert httpx.get(f"{urls['api']}/api/v1/health").json()["ready"] is True
    assert httpx.post(f"{urls['push']}/push/nobody/").status_code == 404
    centre.send_signal(signal.SIGINT)
    out, err = centre.communicate(timeout=20)
    assert (centre.returncode, err) == (0, "")
    assert urls["push"] in out
    assert urls["api"] in out
    assert not (data / "serving.json").exists()
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0


def test_a_second_process_is_turned_away(data: Path, centre: subprocess.Popen[str]) -> None:
    second = subprocess.run(_serve(data), capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 2
    assert f"Another process serves {data}" in second.stderr
    assert centre.poll() is None


def test_one_that_is_killed_comes_back_and_meanwhile_the_other_answers(
    data: Path, centre: subprocess.Popen[str]
) -> None:
    urls, first = _urls(data), _children(centre)
    assert len(first) == 2
    for victim in first:
        others = _children(centre) - {victim}
        os.kill(victim, signal.SIGKILL)
        for _ in range(10):
            assert httpx.get(f"{urls['api']}/api/v1/health").status_code == 200
            assert httpx.post(f"{urls['push']}/push/nobody/").status_code == 404
        until = time.monotonic() + UP_WITHIN_S
        while len(born := _children(centre) - others - {victim}) < 1 or not _listens(urls["push"], 2):
            assert time.monotonic() < until, "it does not come back"
            time.sleep(0.05)
        assert len(born) == 1
    assert _children(centre) & first == set()
    code, err = _ended(centre)
    assert code == 0
    assert err.count("a process ended with -9 and is started again") == 2


def _listens(url: str, times: int) -> bool:
    """Whether so many sockets listen on the port, as Linux tells; each process has one."""
    port = f":{int(url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(row[1].endswith(port) and row[3] == "0A" for row in rows) == times


def test_all_end_with_the_first_and_when_it_is_killed_too(data: Path) -> None:
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with serving(data, "--processes", "2") as centre:
            urls = _urls(data)
            assert len(_children(centre)) == 2
            assert all(_listens(urls[name], 2) for name in ("push", "api"))
            centre.send_signal(end)
            _, err = centre.communicate(timeout=30)  # its children have standard error, too: all have ended
            assert (centre.returncode, err) == (-end if end is signal.SIGKILL else 0, "")
            (data / "serving.json").unlink(missing_ok=True)


def test_how_many_processes_may_change_from_start_to_start(data: Path) -> None:
    before = {row.id: row.status for row in reading(data).orders()}
    for processes in ("3", "1", "4"):
        with serving(data, "--processes", processes) as centre:
            answer = httpx.get(f"{_urls(data)['api']}/api/v1/health")
            assert answer.json()["ready"] is True
            assert _ended(centre) == (0, "")
    assert {row.id: row.status for row in reading(data).orders()} == before
    assert len(before) == 2
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0


def test_a_running_centre_is_asked_about_dead_letters(data: Path, centre: subprocess.Popen[str]) -> None:
    (letter,) = reading(data).dead_letters()
    keys = (data / "api-keys.json").read_bytes() if (data / "api-keys.json").exists() else None
    result = tongdan("dead-letters", "skip", letter.effect, "--reason", "told them", "--data", data)
    assert result.exit_code == 0, result.output
    assert reading(data).dead_letters() == []
    left = json.loads((data / "api-keys.json").read_text())["keys"]
    assert (keys, left) == (None, [])
    assert tongdan("dead-letters", "skip", letter.effect, "--reason", "again", "--data", data).exit_code == 1


def test_a_taken_port_is_a_wrong_use(tmp_path: Path, data: Path, centre: subprocess.Popen[str]) -> None:
    taken = _urls(data)["push"].rpartition(":")[2]
    other = tmp_path / "other"
    other.mkdir()
    (other / "credentials.json").write_bytes((data / "credentials.json").read_bytes())
    (other / "credentials.json").chmod(0o600)
    failed = subprocess.run(
        _serve(other, push_port=taken), capture_output=True, text=True, timeout=30, check=False
    )
    assert failed.returncode == 2
    assert "Cannot start" in failed.stderr


def test_a_demo_runs_day_after_day(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [*TONGDAN, "demo", "--once", "--json", "--data", str(data), "--conf", str(CONF)]
    days = []
    for _ in range(2):
        run = subprocess.run(
            [*command, "--orders", "12", "--speed", "100000"], capture_output=True, text=True, timeout=240, check=False
        )  # fmt: skip
        assert run.returncode == 0, run.stderr[-2_000:]
        told = json.loads(run.stdout)
        assert told["holds"] is True
        assert sum(channel["born"] for channel in told["ledger"]["channels"]) == 12
        days.append(told["ledger"]["day"])
    assert days == sorted(set(days))
    assert len(days) == 2
    assert reading(data).counts()["orders"] >= 20


def test_a_demo_that_is_stopped_says_so_and_leaves_whole_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [
        *TONGDAN,
        "demo",
        "--data",
        str(data),
        "--conf",
        str(CONF),
        "--orders",
        "12",
        "--speed",
        "1000",
    ]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + UP_WITHIN_S
        while not (data / "serving.json").exists():
            assert time.monotonic() < until, "it does not begin"
            time.sleep(0.05)
        time.sleep(1.0)
        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=30)
    finally:
        demo.kill()
    assert demo.returncode == 1
    assert "Stopped before the day was over." in err
    assert "Traceback" not in err
    assert not (data / "serving.json").exists()
    assert tongdan("verify", "--workers", "1", "--data", data).exit_code == 0
