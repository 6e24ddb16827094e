"""What `conf/sign-in.yml` has to be, so that nobody comes in, or comes to rights, whom the seller did not mean."""

from collections.abc import Container
from typing import Final
from urllib.parse import urlsplit

from tongdan.ports.identity import SignIn

FILE: Final = "sign-in.yml"
MAX_GROUPS: Final = 200
MAX_LEEWAY_S: Final = 600
# Signatures that only the provider can make; one that a secret shared with it could make is none of these.
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def mistake(how: SignIn, shops: Container[str], warehouses: Container[str]) -> tuple[str, str] | None:
    """Where it is wrong, and what was expected there; None: nowhere."""
    for field in ("issuer", "public_url"):
        if not is_safe(getattr(how, field)):
            return field, "an https URL (http on loopback only) without query"
    if not how.client_id:
        return "client_id", "the number that the provider gave this installation"
    if "openid" not in how.scopes:
        return "scopes", "openid among them"
    if not how.algorithms or (strange := set(how.algorithms) - ALGORITHMS):
        return "algorithms", f"at least one of {', '.join(sorted(ALGORITHMS))}, got {sorted(strange)}"
    if not 0 <= how.leeway_s <= MAX_LEEWAY_S:
        return "leeway_s", f"0 to {MAX_LEEWAY_S} seconds"
    if not 0 < len(how.groups) <= MAX_GROUPS:
        return "groups", f"1 to {MAX_GROUPS}"
    return _misgrouped(how, shops, warehouses)


def _misgrouped(how: SignIn, shops: Container[str], warehouses: Container[str]) -> tuple[str, str] | None:
    seen: set[str] = set()
    for at, each in enumerate(how.groups):
        if not each.group or each.group in seen:
            return f"groups[{at}].group", "a name, and each once, for the first would win"
        seen.add(each.group)
        if strange := [shop for shop in each.shops if shop not in shops]:
            return f"groups[{at}].shops", f"shops of shops.yml, got {strange[0]!r}"
        if strange := [code for code in each.warehouses if code not in warehouses]:
            return f"groups[{at}].warehouses", f"warehouses of warehouses.yml, got {strange[0]!r}"
        if each.refund_limit_fen is not None and each.refund_limit_fen < 0:
            return f"groups[{at}].refund_limit_fen", "0 or more fen"
    return None


def is_safe(url: str) -> bool:
    """Nobody between here and there can listen: https, or this very machine."""
    try:
        at = urlsplit(url)
        host = at.hostname
    except ValueError:
        return False
    if not host or at.query or at.fragment or at.username is not None:
        return False
    return at.scheme == "https" or (at.scheme == "http" and host in _LOOPBACK)
