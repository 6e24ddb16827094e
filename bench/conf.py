"""The configuration of a centre under load: the shipped one, partners out of reach, own credentials."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final

from bench.processes import ROOT
from bench.wire import Keys

# Nothing listens on the discard port: a partner refuses every connection, and no stranger is ever called.
_NOWHERE: Final = "http://127.0.0.1:9"


def write_conf(place: Path, partners_url: str = _NOWHERE) -> None:
    """`place`/conf and a `place`/data; every partner is at `partners_url`."""
    shutil.copytree(ROOT / "conf", place / "conf")
    partners = place / "conf" / "partners.yml"
    partners.write_text(re.sub(r"(_url:) \S+", rf"\1 {partners_url}", partners.read_text()))
    (place / "conf" / "notices.yml").unlink()  # what is measured are orders; nobody here is told of them
    (place / "data").mkdir(mode=0o700, exist_ok=True)


def write_credentials(place: Path, own: Keys, douyin: Keys) -> None:
    """`place`/data/credentials.json."""
    credentials = {
        f"own/{own.id}": {"secret": own.secret},
        f"douyin/{douyin.id}": {"app_key": douyin.key, "app_secret": douyin.secret},
    }
    file = os.open(place / "data" / "credentials.json", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(file, "w") as out:
        json.dump(credentials, out)
