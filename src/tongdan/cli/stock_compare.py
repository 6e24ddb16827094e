"""`tongdan stock compare`: what the warehouses' systems say beside what is on hand here, and taking theirs over."""

from typing import Annotated, Any, Final

import msgspec
import typer

from tongdan.cli.asking import ask_service, on_files, operator
from tongdan.cli.language import LANGUAGE, t, teach
from tongdan.cli.output import DOES_NOT_HOLD, add_row, emit, err, fail, out, table
from tongdan.cli.places import DATA, ConfOption, DataOption, JsonOption
from tongdan.cli.reading import open_reading
from tongdan.domain.fulfillment.wms_stock import MAX_SKUS
from tongdan.domain.kernel.messages import Refusal
from tongdan.flow.stock_desk import WHOLE_WITHIN_S
from tongdan.profile import Centre
from tongdan.surfaces.http.keys import Scope
from tongdan.surfaces.http.stock_compare import PATH
from tongdan.surfaces.stock_compare import Comparison, compare_stock
from tongdan.surfaces.words import pick

HELP: Final = teach(
    """Ask the warehouses' systems (Qimen) for their stock and show it beside what is on hand here. Nothing is changed.

With --adopt what the warehouse says is taken over where it differs, as a stock count; where it said nothing of a SKU,
ours stays. Its system may have sent what we have not heard of yet: adopt when few parcels are on their way.""",
    """向仓储系统（奇门）查询库存，与本系统在库数量比对；不作任何改动。

--adopt 时对有差异的商品按仓库数量重新盘点；仓库未提及的商品保持不变。
仓库已发出而本系统尚未收到确认的包裹会造成差异，请在在途确认较少时采用。""",
    "tongdan stock compare",
    "tongdan stock compare --warehouse WH-EAST --sku CUP-WHITE --sku CUP-BLACK",
    "tongdan stock compare --warehouse WH-EAST --adopt",
)


def compare_command(
    warehouse: Annotated[
        str, typer.Option("--warehouse", help=t("One warehouse.", "仅此仓库。"), show_default=False)
    ] = "",
    sku: Annotated[
        list[str] | None,
        typer.Option("--sku", help=t("An own SKU; may be repeated.", "自有商品编码，可重复。")),
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help=t("Take over what differs.", "采用仓库数量。"))
    ] = False,
    data: DataOption = DATA,
    conf: ConfOption = None,
    json: JsonOption = False,
) -> None:
    """Exits with 1 when it is refused, or a count is."""
    skus = [each.strip() for each in sku or []]
    if len(skus) > MAX_SKUS or not all(0 < len(each) <= 64 for each in skus):
        fail(
            t(
                f"Expected at most {MAX_SKUS} SKUs of 1 to 64 characters.",
                f"最多 {MAX_SKUS} 个商品编码，每个 1 到 64 个字符。",
            )
        )
    with open_reading(data):
        pass  # exits with 2 unless there is data
    body = {"warehouse": warehouse, "skus": skus, "adopt": adopt}
    said = ask_service(data, PATH, body, Scope.OPERATE, within_s=WHOLE_WITHIN_S + 30)
    if said is None:
        said = on_files(data, conf, lambda centre: _here(centre, warehouse, skus, adopt))
    if json:
        emit(said)
    else:
        _print(said, adopt)
    raise typer.Exit(DOES_NOT_HOLD if said["refused"] else 0)


async def _here(centre: Centre, warehouse: str, skus: list[str], adopt: bool) -> dict[str, Any] | Refusal:
    """As the API says it."""
    found = await compare_stock(
        centre.stock, centre.bus, centre.clock, warehouse, skus, operator(), adopt=adopt
    )
    if isinstance(found, Refusal):
        return found
    return _shown(found)


def _shown(found: Comparison) -> dict[str, Any]:
    refused = [
        {"what": each.what, "error": each.error, "message": each.en, "message_zh": each.zh}
        for each in found.refused
    ]
    return {"rows": msgspec.to_builtins(found.rows), "adopted": found.adopted, "refused": refused}


def _print(said: dict[str, Any], adopt: bool) -> None:
    numbers = (t("theirs", "仓库"), t("ours", "本系统"), t("difference", "差异"))
    shown = table(t("SKU", "商品"), t("warehouse", "仓库编码"), *numbers, right=numbers)
    for row in said["rows"]:
        units = ["-" if row[name] is None else row[name] for name in ("theirs", "ours", "difference")]
        add_row(shown, row["sku"], row["warehouse"], *units)
    out.print(shown)
    differ = sum(bool(row["difference"]) for row in said["rows"])
    n, untold = len(said["rows"]), sum(row["theirs"] is None for row in said["rows"])
    err.print(
        t(
            f"{differ} of {n} differ; {untold} were not told.",
            f"共 {n} 行，{differ} 行有差异，{untold} 行仓库未提及。",
        )
    )
    for each in said["refused"]:
        err.print(f"{each['what']}: {pick((each['message'], each['message_zh']), LANGUAGE)}", markup=False)
    if adopt:
        err.print(t(f"{said['adopted']} taken over.", f"已采用 {said['adopted']} 行。"))
