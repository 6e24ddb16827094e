"""The named refusals of credentials."""

from typing import Final

from tongdan.domain.kernel.messages import RefusalKind

UNKNOWN_TASK: Final = RefusalKind(
    "unknown-task",
    404,
    en="conf/ has no task {task!r}. Expected one of: {known}.",
    zh="配置中没有任务 {task!r}。应为以下之一：{known}。",
)
UNKNOWN_KEY: Final = RefusalKind(
    "unknown-key",
    404,
    en="{task} has no key {key!r}, it has: {known}. Seal it first with `tongdan credential put`.",
    zh="{task} 没有密钥 {key!r}，现有：{known}。请先用 `tongdan credential put` 录入。",
)
BAD_KEY: Final = RefusalKind(
    "bad-key",
    422,
    en="{field}: expected {expected}.",
    zh="{field}：应为 {expected}。",
)
WRONG_ENVIRONMENT: Final = RefusalKind(
    "wrong-environment",
    409,
    en="{task} is a {wanted} task and {key} a {environment} key: it is not bound to it, and not called with. "
    "Seal a {wanted} key with `tongdan credential put {task} NAME --environment {wanted}` and bind that. "
    "Bound until now: {history}.",
    zh="{task} 是 {wanted} 环境的任务，{key} 是 {environment} 环境的密钥：不予绑定，也不用于调用。"
    "请用 `tongdan credential put {task} 名称 --environment {wanted}` 录入后再绑定。绑定历史：{history}。",
)
NOT_BOUND: Final = RefusalKind(
    "no-key-bound",
    409,
    en="No key is bound to {task}. Bind one with `tongdan credential bind {task} KEY`. Bound until now: {history}.",
    zh="{task} 没有绑定密钥。请用 `tongdan credential bind {task} 密钥` 绑定。绑定历史：{history}。",
)
NOT_SEALED: Final = RefusalKind(
    "credentials-not-sealed",
    409,
    en="The credentials still lie open in credentials.json. Stop the centre and seal them with "
    "`tongdan credential import`.",
    zh="凭据仍以明文存于 credentials.json。请停止服务后用 `tongdan credential import` 加密导入。",
)
