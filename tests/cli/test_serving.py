"""Promises of the commands that stay: `serve` listens on both ports, is asked about dead letters while it runs, ends
cleanly on Ctrl-C; a second process is turned away; `demo` runs day after day on the same data and says what happened.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import CONF, tongdan

from tongdan.profile import reading

pytestmark = pytest.mark.server
TONGDAN = (sys.executable, "-c", "from tongdan.cli.main import app; app()")
UP_WITHIN_S = 30.0


@pytest.fixture
def centre(data: Path) -> Iterator[subprocess.Popen[str]]:
    ports = ("--push-port", "0", "--api-port", "0")
    command = [*TONGDAN, "serve", "--data", str(data), "--conf", str(CONF), *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + UP_WITHIN_S
    while not (data / "serving.json").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "it does not listen"
        time.sleep(0.05)
    yield process
    process.kill()
    process.communicate()


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
    command = [
        *TONGDAN,
        "serve",
        "--data",
        str(data),
        "--conf",
        str(CONF),
        "--push-port",
        "0",
        "--api-port",
        "0",
    ]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 2
    assert "Another process" in second.stderr
    assert centre.poll() is None


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
    command = [
        *TONGDAN,
        "serve",
        "--data",
        str(other),
        "--conf",
        str(CONF),
        "--push-port",
        taken,
        "--api-port",
        "0",
    ]
    failed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
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
        assert sum(told["ledger"]["born"].values()) == 12
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
