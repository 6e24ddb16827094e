"""What a demo is given to play with."""

from pathlib import Path
from shutil import copytree

from tongdan.adapters.policy_files import load_conf
from tongdan.cli.stage import set_stage

CONF = Path(__file__).parents[2] / "conf"


def test_a_demo_reaches_nobody_real_not_even_by_a_map(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    copytree(CONF, conf)
    copytree(CONF / "examples", conf, dirs_exist_ok=True)
    stage = set_stage(tmp_path / "data", conf)
    channels = load_conf(stage.conf).policy.channels
    asked = {code: channel.base_url for code, channel in channels.items() if channel.base_url}
    assert len(asked) > 5 and asked["XX"] == "http://127.0.0.1:9"
    assert all(url.startswith("http://127.0.0.1:") for url in asked.values())
