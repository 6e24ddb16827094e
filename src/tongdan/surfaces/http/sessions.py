"""Sessions: a signed word of who signed in and when, kept by the browser and by nobody else.

It needs no table, holds across a restart and in every process, and ends with its time, with the member's password or
rights, or with the key it was made from. Who guesses passwords is made to wait longer each time.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil
from typing import Final

from tongdan.ports import Clock
from tongdan.surfaces.http.keys import ApiKeys, Principal, principal_of
from tongdan.surfaces.http.members import Member, Members

LASTS_S: Final = 12 * 3_600
FREE_TRIES: Final = 5
LONGEST_WAIT_S: Final = 900
REMEMBERED: Final = 10_000  # names that were tried in vain

Seal = Callable[[str, str], Sequence[bytes]]


class Sessions:
    """`seal(kind, text)`: keyed digests of a text, the first of which is today's; `Vault.tokens` is one."""

    def __init__(self, members: Members, keys: ApiKeys, seal: Seal, clock: Clock) -> None:
        self._members: Final = members
        self._keys: Final = keys
        self.seal: Final = seal
        self._clock: Final = clock

    def of_member(self, member: Member) -> str:
        return self._issue("member", member.name, str(member.generation))

    def of_key(self, token: str) -> str | None:
        """A session with a key's rights; None: there is no such key."""
        who = self._keys.check(token)
        key = None if who is None else self._keys.named(who.name)
        return None if key is None else self._issue("key", key.name, key.sha256[:16])

    def check(self, session: str) -> Principal | None:
        """Whose it is; None: nobody's, or over."""
        said, _, digest = session.rpartition(".")
        try:
            kind, name, version, issued_s, given = *said.split(":"), bytes.fromhex(digest)
            old = int(self._clock.now().timestamp()) - int(issued_s)
        except ValueError:
            return None
        if not any(hmac.compare_digest(each, given) for each in self.seal("session", said)):
            return None
        if not 0 <= old < LASTS_S:
            return None
        return self._holder(kind, name, version)

    def _holder(self, kind: str, name: str, version: str) -> Principal | None:
        if kind == "member":
            member = self._members.named(name)
            valid = member is not None and not member.barred and str(member.generation) == version
            return member.principal if member is not None and valid else None
        key = self._keys.named(name)
        return principal_of(key) if key is not None and key.sha256[:16] == version else None

    def _issue(self, kind: str, name: str, version: str) -> str:
        said = f"{kind}:{name}:{version}:{int(self._clock.now().timestamp())}"
        return f"{said}.{self.seal('session', said)[0].hex()}"


class Patience:
    """How long whoever fails to sign in has to wait, by the name that was tried."""

    def __init__(self) -> None:
        self._failed: Final[OrderedDict[str, tuple[int, datetime]]] = OrderedDict()

    def wait_s(self, name: str, now: datetime) -> int:
        times, last = self._failed.get(name, (0, now))
        if times < FREE_TRIES:
            return 0
        wait_s = min(1 << (times - FREE_TRIES + 1), LONGEST_WAIT_S)
        return max(0, ceil(wait_s - (now - last).total_seconds()))

    def failed(self, name: str, now: datetime) -> None:
        times, _ = self._failed.pop(name, (0, now))
        self._failed[name] = (times + 1, now)
        if len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)

    def succeeded(self, name: str) -> None:
        self._failed.pop(name, None)
