"""The repository's configuration, but partners are asked less often than every five minutes.

A world of days on virtual time would do little else. How soon a lost push, or a difference, is found is tested with the
real intervals.
"""

import re
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import yaml
from tests.world.stage import CONF

EVERY_S = 1_500
CHECK_EVERY_S = 86_400
NEVER = -1


@cache
def unhurried(every_s: int = EVERY_S, page_size: int = 0, check_every_s: int = CHECK_EVERY_S) -> Path:
    """`every_s` between two listings, `page_size` of each (0: as delivered).

    `check_every_s` between two checks of an order that rests (0: as delivered, NEVER: nobody is asked for one).
    """
    folder = Path(mkdtemp(prefix="tongdan-conf-"))
    shutil.copytree(CONF, folder, dirs_exist_ok=True)
    pulse = folder / "pulse.yml"
    if check_every_s == NEVER:
        pulse.unlink()
    elif check_every_s:
        tiers = {"tiers": [{"rested_s": 0, "every_s": check_every_s}]}
        said = yaml.safe_load(pulse.read_text()) | tiers
        for terms in said["partners"].values():
            terms.pop("tiers", None)
        pulse.write_text(yaml.safe_dump(said))
    for path in (folder / "channels").glob("*.yml"):
        text = re.sub(
            r"^( *)listing:.*$", rf"\1listing:\n\1  every_s: {every_s}", path.read_text(), flags=re.MULTILINE
        )
        if page_size:
            text = re.sub(r"^( +)page_size:.*$", rf"\1page_size: {page_size}", text, flags=re.MULTILINE)
        path.write_text(text)
    return folder
