"""What a demo needs before it can begin: its place, its day, and partners that are reached on this machine.

The configuration is copied beside the data with the partners' addresses turned to loopback ports; the rest of it is
the one in force. The day is counted on before it begins, so a run that was cut short is not repeated over itself.
"""

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
import yaml

from tongdan.adapters import confirmation_rules
from tongdan.adapters.clock import SystemEntropy
from tongdan.adapters.partners import CHANNELS, channels_of
from tongdan.adapters.partners.settings import Partners
from tongdan.adapters.policy_files import ConfError, load_conf
from tongdan.labs.world.provision import CREDENTIALS, WORLD_KEYS, loopback, provision
from tongdan.profile import SEALED

CONF: Final = "demo-conf"
PROGRESS: Final = "demo.json"
OTHERS: Final = (
    "wechat",
    "qimen",
    "finance",
    "sf",
    "cainiao",
    "cainiao_link",
    "sms",
    "wechat_mini",
    "service",
)
COOLING_S: Final = 1  # the day is over in seconds
NOWHERE: Final = "http://127.0.0.1:9"  # where nothing listens
PARTNERS: Final = (*(channel.name for channel in CHANNELS), *OTHERS)


class NotADemo(Exception):
    """The directory holds the credentials of real partners."""


class Stage(NamedTuple):
    """`day` is the day of the retail log to run, `conf` the configuration with loopback partners.

    Its ports are `partners`, by number, and `push`: they listen already, so that nobody else can get them.
    """

    conf: Path
    day: int
    partners: Mapping[int, socket.socket]
    push: socket.socket


@contextmanager
def set_stage(data: Path, conf: Path) -> Iterator[Stage]:
    """Prepare `data` for the next day. Raises NotADemo, ConfError."""
    if (data / CREDENTIALS).exists() and not (data / WORLD_KEYS).exists():
        raise NotADemo(f"{data} holds credentials that the demo did not make")
    if (data / SEALED).exists():
        raise NotADemo(f"{data} holds sealed credentials, which the demo cannot share with its partners")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as held:
        listening = [held.enter_context(each) for each in _listening(_kept_partners(data / CONF))]
        ports = [each.getsockname()[1] for each in listening]
        _write_stage(data, conf, ports)
        *partners, push = listening
        day = _count_day(data / PROGRESS)
        yield Stage(data / CONF, day, dict(zip(ports, partners, strict=False)), push)


def _write_stage(data: Path, conf: Path, ports: list[int]) -> None:
    urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(PARTNERS, ports, strict=False)}
    read = load_conf(conf)
    partners = loopback(read.partners, urls, f"http://127.0.0.1:{ports[-1]}")
    # Nobody plays a channel by map here, and nobody real is to be asked.
    nowhere = dict.fromkeys(read.by_map, NOWHERE)
    partners = msgspec.structs.replace(partners, channels={**nowhere, **partners.channels})
    _write_conf(conf, data / CONF, partners)
    provision(data, read.policy, partners, SystemEntropy(), channels_of(read))


def _count_day(path: Path) -> int:
    day: int = json.loads(path.read_text())["next_day"] if path.exists() else 0
    part = path.with_name(f"{path.name}.new")
    part.write_text(json.dumps({"next_day": day + 1}))
    part.replace(path)
    return day


def _kept_partners(conf: Path) -> Partners | None:
    """Those of the last run; None if there was none, or only one that did not know all partners of today."""
    try:
        return load_conf(conf).partners if conf.exists() else None
    except ConfError:
        return None


def _listening(kept: Partners | None) -> list[socket.socket]:
    """Ports of the partners, and last the push port: those of the last run if they are still free, else any."""
    if kept is not None:
        urls = [kept.channels.get(channel.code, "") for channel in CHANNELS]
        urls += [getattr(getattr(kept, name), "base_url", "") for name in OTHERS]
        ports = [urlsplit(url).port or 0 for url in (*urls, kept.wechat.notify_url)]
        with ExitStack() as held, suppress(OSError):
            again = [held.enter_context(socket.create_server(("127.0.0.1", port))) for port in ports]
            held.pop_all()
            return again
    return [socket.create_server(("127.0.0.1", 0)) for _ in range(len(PARTNERS) + 1)]


def _write_conf(source: Path, target: Path, partners: Partners) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
    text = yaml.safe_dump(msgspec.to_builtins(partners), allow_unicode=True, sort_keys=False)
    (target / "partners.yml").write_text(text, encoding="utf-8")
    confirmation = target / confirmation_rules.FILE
    if confirmation.exists():
        said = yaml.safe_load(confirmation.read_text(encoding="utf-8")) | {"cooling_s": COOLING_S}
        confirmation.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
