"""`tongdan waybill print`: labels into a file, one as its carrier makes it, several as a ZIP of them.

They are personal data: the file is the owner's alone, is written beside its place and moved there when it is whole, and
never over another. What could not be had is listed; what could, is in the file.
"""

import os
import re
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from urllib.parse import quote

import httpx
import typer

from tongdan.cli.asking import inbound, on_files, service
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, HOLDS, emit, err, fail, progress
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.cli.shipments import API
from tongdan.domain.kernel.messages import Command, Refusal
from tongdan.flow.labels import find_shipment
from tongdan.ports import Reply
from tongdan.profile import Centre
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.words import pick

MAX_LABELS: Final = 1_000
MAX_LIST_BYTES: Final = 2**17
FETCH_WITHIN_S: Final = 45.0
_NAME: Final = re.compile(r'filename="([A-Za-z0-9.-]{1,80})"')

HELP: Final = teach(
    """Fetch labels from their carriers and write them to a file: one as it is (PDF, or JSON for Cainiao's component),
several as a ZIP. `--list` names a file with one shipment a line.

Nothing is kept: printing again fetches again. Who printed what is in the order's timeline.""",
    """从承运商获取面单并写入文件：单个按原样（PDF，或供菜鸟云打印组件使用的 JSON），多个打包为 ZIP。
--list 指定每行一个发货单号的文件。

面单不留存：再次打印会重新获取。打印人与时间见订单时间线。""",
    "tongdan waybill print MP20260127000892-S1 --out label.pdf",
    "tongdan waybill print --list today.txt --out labels.zip",
)


class Missed(NamedTuple):
    shipment: str
    error: str
    message: str


class Sheets:
    """The file that labels go into; it takes its place when all is written, and there is none without a label."""

    def __init__(self, target: Path, *, several: bool) -> None:
        self.names: Final = list[str]()
        self._target: Final = target
        self._part: Final = target.with_name(f".{target.name}.part")
        self._file: Final = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        self._zip: Final = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED) if several else None

    def put(self, name: str, content: bytes) -> None:
        self.names.append(name)
        if self._zip is not None:
            self._zip.writestr(name, content)
        else:
            self._file.write(content)

    def drop(self) -> None:
        self._file.close()
        self._part.unlink()

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()
        self._file.close()
        if self.names:
            self._part.replace(self._target)
        else:
            self._part.unlink()


def print_labels(
    target: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help=t("A new file; .zip for several.", "新文件；多个时为 .zip。")
        ),
    ],
    shipments: Annotated[
        list[str] | None, typer.Argument(metavar="[SHIPMENT]...", help=t("Which.", "发货单号。"))
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help=t("One shipment a line.", "每行一个发货单号。"))
    ] = None,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    """Exits with 1 when any label could not be had, with 2 when it was asked for wrongly."""
    wanted = list(dict.fromkeys([*(shipments or []), *(_listed(listed) if listed is not None else [])]))
    _check(wanted, target)
    with open_reading(data):
        pass  # exits with 2 unless there is data
    try:
        sheets = Sheets(target, several=len(wanted) > 1)
        try:
            missed = _fetch(data, conf, wanted, sheets)
        except BaseException:
            sheets.drop()
            raise
        sheets.close()
    except OSError as error:
        fail(t(f"{target} cannot be written: {error}", f"{target} 无法写入：{error}"))
    printed = sheets.names
    if json:
        emit({"printed": printed, "missed": [each._asdict() for each in missed], "file": str(target)})
    else:
        for each in missed:
            err.print(f"{each.shipment}: {each.error}: {each.message}", markup=False)
        if printed:
            err.print(t(f"{len(printed)} in {target}", f"{len(printed)} 张，见 {target}"), markup=False)
    raise typer.Exit(DOES_NOT_HOLD if missed else HOLDS)


def _listed(path: Path) -> list[str]:
    """Exits with 2 when it cannot be read."""
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            fail(
                t(
                    f"{path}: expected at most {MAX_LIST_BYTES} bytes.",
                    f"{path}：最多 {MAX_LIST_BYTES} 字节。",
                )
            )
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        fail(t(f"{path} cannot be read: {error}", f"{path} 无法读取：{error}"))
    return [line.strip() for line in lines if line.strip()]


def _check(wanted: list[str], target: Path) -> None:
    """Exits with 2."""
    if not 1 <= len(wanted) <= MAX_LABELS:
        expected, got = MAX_LABELS, len(wanted)
        fail(
            t(
                f"Expected 1 to {expected} shipments, got {got}.",
                f"应为 1 到 {expected} 个发货单，实为 {got} 个。",
            )
        )
    if len(wanted) > 1 and target.suffix.lower() != ".zip":
        fail(
            t("Several labels go into a ZIP: name it FILE.zip.", "多个面单须写入 ZIP：请命名为 文件名.zip。")
        )
    if target.exists():
        fail(t(f"{target} exists already; name another file.", f"{target} 已存在，请换一个文件名。"))


def _fetch(data: Path, conf: Path | None, wanted: list[str], sheets: Sheets) -> list[Missed]:
    """Of the centre that serves the data, else with the data opened here."""
    with service(data, Scope.WRITE, FETCH_WITHIN_S) as client:
        if client is not None:
            return _each(wanted, lambda id: _from_service(client, id), sheets)

    async def work(centre: Centre) -> list[Missed]:
        missed = []
        with progress() as bar:
            for id in bar.track(wanted, description=t("labels", "面单")):
                told = await centre.labels.fetch(id, _in_name_of(centre, id))
                if isinstance(told, Refusal):
                    missed.append(Missed(id, told.name, pick((told.en, told.zh), LANGUAGE)))
                else:
                    sheets.put(told.file_name, told.content)
        return missed

    return on_files(data, conf, work)


def _in_name_of(centre: Centre, id: str) -> Callable[[Command], Awaitable[Reply]]:
    shipment = find_shipment(centre.reads, id)
    shop = "" if isinstance(shipment, Refusal) else shipment.shop
    return lambda command: centre.bus.ask(inbound(centre, command, {"print": id}, shop))


def _each(
    wanted: list[str], fetch: Callable[[str], tuple[str, bytes] | Missed], sheets: Sheets
) -> list[Missed]:
    missed = []
    with progress() as bar:
        for id in bar.track(wanted, description=t("labels", "面单")):
            told = fetch(id)
            if isinstance(told, Missed):
                missed.append(told)
            else:
                sheets.put(*told)
    return missed


def _from_service(client: httpx.Client, id: str) -> tuple[str, bytes] | Missed:
    try:
        answer = client.post(f"{API}/{quote(id, safe='')}/waybill/print", json={})
    except httpx.HTTPError as error:
        return Missed(id, "no-answer", type(error).__name__)
    if answer.is_error:
        said = answer.json()
        return Missed(id, said["error"], pick((said["message"], said["message_zh"]), LANGUAGE))
    return _NAME.findall(answer.headers["content-disposition"])[0], answer.content
