"""Where the data and the configuration lie, and the options that name them.

The configuration is plain files: --conf, else TONGDAN_CONF, else ./conf, else the copy shipped with the package. The
data directory is --data, else TONGDAN_DATA, else ./data; commands that read never create it.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Final

import typer

import tongdan
from tongdan.cli.language import t
from tongdan.cli.output import fail

DATA: Final = Path("data")
CONF: Final = Path("conf")
SERVING: Final = "serving.json"  # in the data directory, while a centre serves it

DataOption = Annotated[
    Path,
    typer.Option("--data", envvar="TONGDAN_DATA", help=t("Directory of the data.", "数据目录。")),
]
ConfOption = Annotated[
    Path | None,
    typer.Option(
        "--conf",
        envvar="TONGDAN_CONF",
        help=t(
            "Directory of the configuration; default ./conf, else the one shipped.",
            "配置目录；默认 ./conf，没有则用随包自带的。",
        ),
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help=t("Print one JSON document.", "输出一个 JSON 文档。"))
]
ShopOption = Annotated[
    str, typer.Option("--shop", help=t("Only this shop.", "仅此店铺。"), show_default=False)
]
LimitOption = Annotated[
    int, typer.Option("--limit", min=1, max=10_000, help=t("At most so many.", "最多条数。"))
]


def conf_dir(given: Path | None) -> Path:
    """The configuration to use. Exits with 2 when the directory named does not exist."""
    if given is not None:
        if not given.is_dir():
            fail(t(f"There is no directory {given} (--conf).", f"配置目录 {given} 不存在（--conf）。"))
        return given
    package = Path(tongdan.__file__).parent
    for place in (CONF, package / "conf", package.parents[1] / "conf"):
        if place.is_dir():
            return place
    fail(t("No configuration found; name it with --conf.", "找不到配置；请用 --conf 指定。"))


def serving(data: Path) -> str | None:
    """Where the API of the centre that serves `data` is, None when nobody says so."""
    try:
        url = json.loads((data / SERVING).read_text())["api"]
    except (OSError, ValueError, KeyError):
        return None
    return str(url)


def note_serving(data: Path, push_url: str, api_url: str) -> None:
    """Tell other commands where the centre that serves `data` is reached."""
    part = data / f"{SERVING}.new"
    part.write_text(json.dumps({"pid": os.getpid(), "push": push_url, "api": api_url}))
    part.replace(data / SERVING)


def url_of(host: str, port: int) -> str:
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
