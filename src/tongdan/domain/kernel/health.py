"""How credentials and configuration are judged: rules as `conf/health.yml` says them.

A task is what calls a partner in one shop's or account's name; it is called like its credential (`sf/main`). Whatever
it is not named as is production, so that forgetting a line refuses a test key instead of letting it in.
"""

from typing import Final

import msgspec

PRODUCTION: Final = "production"
TEST: Final = "test"
ENVIRONMENTS: Final = (PRODUCTION, TEST)


class HealthPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`tasks`: task → environment, where that is not production.

    What ends within `warn_days` is a warning, within `critical_days` critical; a key that nobody used is looked at
    `idle_warn_days` before the partner freezes it. A clock that is off by more is a warning, then critical.
    """

    tasks: dict[str, str] = {}
    warn_days: int = 30
    critical_days: int = 7
    idle_warn_days: int = 2
    clock_warn_s: int = 30
    clock_critical_s: int = 240

    def environment_of(self, task: str) -> str:
        return self.tasks.get(task, PRODUCTION)
