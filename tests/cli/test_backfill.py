"""Promises of `tongdan backfill`: it notes a span for the next start, and refuses by name what cannot be."""

from datetime import timedelta
from pathlib import Path

from tests.cli.conftest import CONF, tongdan

from tongdan.adapters.clock import SystemClock
from tongdan.domain.sync.pull import Pull
from tongdan.profile import reading


def _pull(data: Path) -> Pull | None:
    state = reading(data).order("pull/PD/pd-main")
    assert state is None or isinstance(state, Pull)
    return state


def _asked(data: Path, shop: str, since: str, to: str) -> tuple[int, str]:
    said = tongdan("backfill", "--shop", shop, "--from", since, "--to", to, "--data", data, "--conf", CONF)
    return said.exit_code, said.stdout + said.stderr


def test_without_a_serving_centre_the_span_is_noted_for_its_next_start(data: Path) -> None:
    today = SystemClock().now()
    first, last = (f"{today - timedelta(days=days):%Y-%m-%d}" for days in (5, 3))
    code, said = _asked(data, "pd-main", first, last)
    assert (code, "Noted" in said) == (0, True)
    state = _pull(data)
    assert state is not None
    (job,) = state.jobs
    assert job.until - job.read_to == timedelta(days=3)
    assert f"{job.read_to + timedelta(hours=8):%Y-%m-%d %H:%M}" == f"{first} 00:00"


def test_a_span_that_cannot_be_read_is_refused_and_nothing_is_written(data: Path) -> None:
    for shop, since, to, why in (
        (
            "nobody",
            "2026-01-01",
            "2026-01-02",
            "There is no shop nobody. Expected one of dy-main, jd-main, ks-main, mp-main, pd-main, tb-main.",
        ),
        ("mp-main", "2026-01-01", "2026-01-02", "Channel MP cannot be read back"),
        ("pd-main", "2020-01-01", "2020-01-02", "goes back 366 days at most"),
        ("pd-main", "2026-02-30", "2026-03-01", "2026-02-30"),
    ):
        code, said = _asked(data, shop, since, to)
        assert code != 0
        assert why in " ".join(said.split())
    assert _pull(data) is None
