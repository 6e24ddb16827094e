"""Puts the built console into a wheel, building it first. An editable install goes without: it finds web/dist."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            root = Path(self.root)
            subprocess.run([sys.executable, str(root / "tools" / "web.py"), "build"], check=True)
            build_data["force_include"][str(root / "web" / "dist")] = "tongdan/console"
