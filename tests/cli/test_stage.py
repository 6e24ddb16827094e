"""What a demo is given to play with."""

from pathlib import Path
from shutil import copytree
from socket import create_server
from urllib.parse import urlsplit

import pytest

from tongdan.adapters.policy_files import load_conf
from tongdan.cli.stage import Stage, set_stage

CONF = Path(__file__).parents[2] / "conf"


def test_a_demo_reaches_nobody_real_not_even_by_a_map(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    copytree(CONF, conf)
    copytree(CONF / "examples", conf, dirs_exist_ok=True)
    with set_stage(tmp_path / "data", conf) as stage:
        channels = load_conf(stage.conf).policy.channels
    asked = {code: channel.base_url for code, channel in channels.items() if channel.base_url}
    assert len(asked) > 5 and asked["XX"] == "http://127.0.0.1:9"
    assert all(url.startswith("http://127.0.0.1:") for url in asked.values())


def test_a_demo_holds_its_ports_from_the_moment_it_names_them(tmp_path: Path) -> None:
    """So that one that starts beside it cannot get them in between, be it on the same data."""
    with set_stage(tmp_path / "one", CONF) as one, set_stage(tmp_path / "two", CONF) as two:
        taken = [_ports(one), _ports(two)]
        with set_stage(tmp_path / "one", CONF) as again:
            assert not (_ports(again) & (taken[0] | taken[1]))
        for port in taken[0]:
            with pytest.raises(OSError, match="in use"):
                create_server(("127.0.0.1", port))
    assert not taken[0] & taken[1]


def test_a_demo_goes_on_under_its_old_ports_where_they_are_free(tmp_path: Path) -> None:
    with set_stage(tmp_path, CONF) as first:
        before = _ports(first)
        assert {urlsplit(url).port for url in _urls(first)} <= before
    with set_stage(tmp_path, CONF) as second:
        assert (_ports(second), second.day) == (before, 1)


def _ports(stage: Stage) -> set[int]:
    return {*stage.partners, stage.push.getsockname()[1]}


def _urls(stage: Stage) -> list[str]:
    partners = load_conf(stage.conf).partners
    return [*partners.channels.values(), partners.wechat.notify_url]
