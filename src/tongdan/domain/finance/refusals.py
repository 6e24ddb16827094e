"""What a comparison with finance is refused for, by name."""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

UNKNOWN_SHOP: Final = RefusalKind(
    "unknown-shop",
    404,
    en="There is no shop {shop!r} in conf/shops.yml. Expected one of: {known}.",
    zh="conf/shops.yml 中没有店铺 {shop!r}。应为以下之一：{known}。",
)
NO_FINANCE_LIST: Final = RefusalKind(
    "no-finance-list",
    409,
    en="Finance does not say where its list of orders is (conf/partners.yml, finance.books.url). Fill it in, or give "
    "its list as a file: --file.",
    zh="财务未配置订单清单地址（conf/partners.yml 的 finance.books.url）。请填写，或用 --file 提供清单文件。",
)
FINANCE_UNAVAILABLE: Final = RefusalKind(
    "finance-unavailable",
    503,
    en="Finance does not give its list now: {reason}. Ask again, or give its list as a file: --file.",
    zh="财务暂时无法提供清单：{reason}。请稍后再试，或用 --file 提供清单文件。",
    retry_after_s=30,
)
TOO_MUCH_LISTED: Final = RefusalKind(
    "too-much-listed",
    422,
    en="Finance's lists hold more than {limit} entries. Give one shop's list as a file: --file.",
    zh="财务清单超过 {limit} 条。请用 --file 提供单个店铺的清单。",
)
NOTHING_ALIKE: Final = RefusalKind(
    "nothing-alike",
    422,
    en="{n} orders of {day} differ, more than the {limit} that are looked at. Is it the list of this day, this shop "
    "and these order numbers?",
    zh="{day} 有 {n} 个订单不一致，超过可逐单核查的 {limit} 个。请确认清单的日期、店铺和订单号列是否正确。",
)
