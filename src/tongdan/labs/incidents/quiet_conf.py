"""A copy of the configuration for a replay, in which channels are seldom asked for changes: nothing is bought there."""

import shutil
from pathlib import Path
from typing import Final

import yaml

LIST_EVERY_S: Final = 86_400  # nothing is bought on the platforms that day


def with_rare_listings(conf: Path, folder: Path) -> Path:
    shutil.copytree(conf, folder)
    for path in (folder / "channels").glob("*.yml"):
        said = yaml.safe_load(path.read_text())
        for lists in (said, said.get("after_sale") or {}):
            if isinstance(lists.get("listing"), dict):
                lists["listing"]["every_s"] = LIST_EVERY_S
        path.write_text(yaml.safe_dump(said, allow_unicode=True))
    return folder
