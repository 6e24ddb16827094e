"""The repository's configuration, but channels are asked for what has changed less often than every five minutes.

A world of days on virtual time would do little else. How soon a lost push is found is tested with the real interval.
"""

import re
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.world.stage import CONF

EVERY_S = 1_500


@cache
def unhurried(every_s: int = EVERY_S, page_size: int = 0) -> Path:
    """`page_size` of every listing; 0: as it is delivered."""
    folder = Path(mkdtemp(prefix="tongdan-conf-"))
    shutil.copytree(CONF, folder, dirs_exist_ok=True)
    for path in (folder / "channels").glob("*.yml"):
        text = re.sub(
            r"^( *)listing:.*$", rf"\1listing:\n\1  every_s: {every_s}", path.read_text(), flags=re.MULTILINE
        )
        if page_size:
            text = re.sub(r"^( +)page_size:.*$", rf"\1page_size: {page_size}", text, flags=re.MULTILINE)
        path.write_text(text)
    return folder
