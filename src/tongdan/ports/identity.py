"""Who somebody is, told by a provider that the seller trusts: how it is configured and what it may answer.

The rights stand in the order in which they are looked at: a person has those of the first group that they are in.
"""

from typing import Final, Literal, Protocol

import msgspec

CALLBACK: Final = "/sign-in/oidc/callback"


class GroupRights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rights of a group, as a member has them: no shops, no warehouses named means all."""

    group: str
    role: Literal["operations", "warehouse", "service", "finance", "admin"]
    shops: tuple[str, ...] = ()
    warehouses: tuple[str, ...] = ()
    hides: tuple[Literal["phone", "cost"], ...] = ()
    refund_limit_fen: int | None = None


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """`public_url`: where browsers find the console; the provider has to allow `public_url`/sign-in/oidc/callback.

    A claim may lie deeper: `realm_access.roles`. `leeway_s`: how far the provider's clock may be off.
    """

    issuer: str
    client_id: str
    public_url: str
    groups: tuple[GroupRights, ...]
    name_en: str = "the company account"
    name_zh: str = "企业账号"
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    algorithms: tuple[str, ...] = ("RS256",)
    leeway_s: int = 60


class NotProven(Exception):
    """What the provider's answer, or somebody else's in its name, does not prove: one word for the log."""


class Unavailable(Exception):
    """The provider cannot be asked now; the message says what was tried, without secrets."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`subject`: how the provider names this person for good; `name`: how people do."""

    subject: str
    name: str
    groups: tuple[str, ...]


class IdentityProvider(Protocol):
    """Methods raise Unavailable. `state`, `nonce` and `verifier` are made for one attempt of one browser."""

    @property
    def how(self) -> SignIn: ...

    async def way_in(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent to sign in there."""

    async def way_out(self) -> str:
        """Where the session at the provider ends, which leads back to the console; "" where it does not say."""

    async def identify(self, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with `code`. Raises NotProven."""
