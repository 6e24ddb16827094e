"""The refusals of the surfaces: what is wrong with a request before any decider has seen it.

Every one has a name that programs can rely on and says in both languages what was expected and how to mend it.
"""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

UNKNOWN_PATH: Final = RefusalKind(
    name="unknown-path",
    status=404,
    en="Nothing is served at this path. Compare it with the list of paths on the OpenAPI page.",
    zh="此路径没有提供任何服务，请与 OpenAPI 页面上的路径列表核对。",
)
CONSOLE_NOT_BUILT: Final = RefusalKind(
    name="console-not-built",
    status=404,
    en="The console was not built. Run `make console` in the checkout; the API works without it.",
    zh="控制台尚未构建。请在代码目录运行 `make console`；API 不受影响。",
)
NOT_FROM_CONSOLE: Final = RefusalKind(
    name="not-from-console",
    status=403,
    en="This is for the console's own pages, which send the header `X-Tongdan-Console: 1`.",
    zh="此接口仅供控制台页面使用，请求须带 `X-Tongdan-Console: 1` 头。",
)
WRONG_METHOD: Final = RefusalKind(
    name="wrong-method",
    status=405,
    en="This path takes {allowed} requests only.",
    zh="此路径只接受 {allowed} 请求。",
)
UNAUTHENTIC: Final = RefusalKind(
    name="unauthentic",
    status=401,
    en="The request could not be authenticated: {reason}. Check signature, timestamp and secret.",
    zh="请求未通过身份校验（原因：{reason}）。请核对签名、时间戳和密钥。",
)
BROKEN: Final = RefusalKind(
    name="internal-error",
    status=500,
    en="Tongdan failed on this request and has counted it. Send it again; a repeat does no harm.",
    zh="同单处理此请求时出错，已计数。请重新发送，重复发送不会产生重复结果。",
)
MALFORMED: Final = RefusalKind(
    name="malformed-http",
    status=400,
    en="This is not a well-formed HTTP/1.1 request.",
    zh="这不是格式正确的 HTTP/1.1 请求。",
)
BODY_TOO_LARGE: Final = RefusalKind(
    name="body-too-large",
    status=413,
    en="The body is larger than {limit_bytes} bytes. Split it into several requests.",
    zh="请求体超过 {limit_bytes} 字节，请拆分为多个请求。",
)
HEAD_TOO_LARGE: Final = RefusalKind(
    name="head-too-large",
    status=431,
    en="Path and headers together exceed {limit_bytes} bytes or {limit_headers} headers.",
    zh="路径与请求头合计超过 {limit_bytes} 字节或 {limit_headers} 个。",
)
TOO_SLOW: Final = RefusalKind(
    name="too-slow",
    status=408,
    en="The request was not complete within {within_s} seconds. Send it again.",
    zh="请求未在 {within_s} 秒内发送完整，请重新发送。",
)
TOO_MANY_CONNECTIONS: Final = RefusalKind(
    name="too-many-connections",
    status=503,
    en="All {limit} connections are taken. Reuse connections (keep-alive), or try again later.",
    zh="{limit} 个连接已全部占用。请复用连接（keep-alive）或稍后重试。",
    retry_after_s=1,
)
TOO_MANY_LISTENERS: Final = RefusalKind(
    name="too-many-listeners",
    status=503,
    en="All {limit} places to watch the board are taken. Ask for it now and then instead, or try again later.",
    zh="看板的 {limit} 个实时连接已全部占用。请改为定时查询，或稍后重试。",
    retry_after_s=5,
)
TOO_MANY_IN_FLIGHT: Final = RefusalKind(
    name="too-many-in-flight",
    status=503,
    en="More than {limit} requests of this connection wait for their answers. Read answers before sending more.",
    zh="此连接上已有超过 {limit} 个请求等待应答，请先读取应答再继续发送。",
    retry_after_s=1,
)
NO_KEY: Final = RefusalKind(
    name="no-api-key",
    status=401,
    en="This needs an API key, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`.",
    zh="需要 API 密钥，请放在 `Authorization: Bearer KEY` 或 `X-Api-Key: KEY` 请求头中。",
)
SESSION_OVER: Final = RefusalKind(
    name="session-over",
    status=401,
    en="Nobody is signed in here any more. Sign in again.",
    zh="登录已失效，请重新登录。",
)
WRONG_PASSWORD: Final = RefusalKind(
    name="wrong-password",
    status=401,
    en="No member has this name and password, or the member is barred.",
    zh="成员名或密码不正确，或该成员已停用。",
)
TOO_MANY_TRIES: Final = RefusalKind(
    name="too-many-tries",
    status=429,
    en="This name was tried too often in vain. Try again in {wait_s} s.",
    zh="此成员名失败次数过多，请在 {wait_s} 秒后重试。",
)
SIGN_IN_STALE: Final = RefusalKind(
    name="sign-in-stale",
    status=400,
    en="This sign-in was begun elsewhere, too long ago, or has been used. Begin anew.",
    zh="此次登录并非由此浏览器发起、已过期或已使用，请重新登录。",
)
SIGN_IN_DENIED: Final = RefusalKind(
    name="sign-in-denied",
    status=401,
    en="The provider did not let you in. Try again, or ask whoever looks after your account there.",
    zh="统一登录未通过。请重试，或联系账号管理员。",
)
SIGN_IN_NOT_PROVEN: Final = RefusalKind(
    name="sign-in-not-proven",
    status=401,
    en="What the provider sent does not prove who you are. Try again; the log of the service says what was wrong.",
    zh="统一登录返回的凭证无法证明身份。请重试；具体原因见服务日志。",
)
SIGN_IN_NO_GROUP: Final = RefusalKind(
    name="sign-in-no-group",
    status=403,
    en="None of your groups has rights here. Ask for one that stands in conf/sign-in.yml.",
    zh="你所在的组在此没有权限。请申请加入 conf/sign-in.yml 中列出的组。",
)
SIGN_IN_BARRED: Final = RefusalKind(
    name="sign-in-barred",
    status=403,
    en="This member is barred. Ask an administrator.",
    zh="该成员已停用，请联系管理员。",
)
SIGN_IN_UNAVAILABLE: Final = RefusalKind(
    name="sign-in-unavailable",
    status=503,
    en="The provider cannot be asked now. Try again in a moment; the log of the service says why.",
    zh="暂时无法连接统一登录服务，请稍后重试；原因见服务日志。",
    retry_after_s=5,
)
SIGN_IN_NAME: Final = RefusalKind(
    name="sign-in-name",
    status=409,
    en="The provider's name for you, or your rights, cannot be taken over (such as a name that another member has). "
    "Ask an administrator; the log of the service says which.",
    zh="无法采用统一登录提供的名称或权限（例如与其他成员重名）。请联系管理员；具体原因见服务日志。",
)
MEMBER_REFUSED: Final = RefusalKind(
    name="member-refused",
    status=409,
    en="{en}.",
    zh="{zh}。",
)
WRONG_KEY: Final = RefusalKind(
    name="wrong-api-key",
    status=401,
    en="This API key is not known here: it was revoked, or belongs to another installation.",
    zh="此 API 密钥无效：已被吊销，或属于其他安装。",
)
NOT_ALLOWED: Final = RefusalKind(
    name="not-allowed",
    status=403,
    en="The key {name} may not do this: it needs the scope {scope!r}.",
    zh="密钥 {name} 无此权限：需要权限 {scope!r}。",
)
NOT_ALL_SHOPS: Final = RefusalKind(
    name="not-all-shops",
    status=403,
    en="{name} works for some shops or warehouses only, and this concerns others too. Ask a member of all of them.",
    zh="{name} 仅限部分店铺或仓库，而此操作涉及其他店铺或仓库，请由不受限的成员操作。",
)
WRONG_TOKEN: Final = RefusalKind(
    name="wrong-token",
    status=404,
    en="This token is none of ours, or it has ended. The shop can issue another one.",
    zh="此令牌无效或已过期，店铺可重新签发。",
)
TOO_MANY_LOOKS: Final = RefusalKind(
    name="too-many-looks",
    status=429,
    en="Too many pages ask at this moment. Ask again in a second.",
    zh="此刻查询过多，请一秒后重试。",
    retry_after_s=1,
)
SIGN_IN_REFUSALS: Final = {
    each.name: each
    for each in (
        SIGN_IN_STALE, SIGN_IN_DENIED, SIGN_IN_NOT_PROVEN, SIGN_IN_NO_GROUP, SIGN_IN_BARRED, SIGN_IN_UNAVAILABLE,
        SIGN_IN_NAME, TOO_MANY_LOOKS,
    )
}  # fmt: skip
ALREADY_VERIFYING: Final = RefusalKind(
    name="already-verifying",
    status=409,
    en="A check of everything is running already. Look at its progress.",
    zh="已有一次全量核对正在进行，请查看其进度。",
)
INVALID_FIELD: Final = RefusalKind(
    name="invalid-field",
    status=422,
    en="Field {field}: {en}. Nothing was done; mend the request and send it again.",
    zh="字段 {field}：{zh}。未执行任何操作，请修正后重发。",
)
NO_SUCH_ORDER: Final = RefusalKind(
    name="no-such-order",
    status=404,
    en="No order of {channel} shop {shop} has the number {native!r}.",
    zh="{channel} 店铺 {shop} 没有编号为 {native!r} 的订单。",
)
NOT_YET: Final = RefusalKind(
    name="not-yet-recorded",
    status=404,
    en="{id} was not recorded yet at {at}.",
    zh="{at} 时 {id} 尚无记录。",
)
TOO_WIDE: Final = RefusalKind(
    name="too-wide",
    status=422,
    en="No index answers this without looking through too many orders. Add a shop, channel, status or span of time.",
    zh="此条件需扫描过多订单，索引无法直接回答。请加上店铺、渠道、状态或时间范围。",
)
READS_UNAVAILABLE: Final = RefusalKind(
    name="reads-unavailable",
    status=503,
    en="The store could not be read. Try again after Retry-After.",
    zh="存储暂时无法读取，请在 Retry-After 之后重试。",
    retry_after_s=5,
)
