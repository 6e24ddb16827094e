"""Asking the centre that serves the data, with a key made for this one question."""

import getpass
import os
import re
from pathlib import Path
from typing import Any, Final

import httpx

from tongdan.adapters.clock import SystemClock, SystemEntropy
from tongdan.cli.language import LANGUAGE
from tongdan.cli.output import DOES_NOT_HOLD, fail
from tongdan.cli.places import serving
from tongdan.profile import API_KEYS
from tongdan.surfaces.http.keys import ApiKeys, Scope
from tongdan.surfaces.words import pick

ASK_WITHIN_S: Final = 15.0


def operator() -> str:
    """Who sits here, for the journal; a container may run under a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def ask_service(
    data: Path, path: str, body: dict[str, Any], scope: Scope, *, within_s: float = ASK_WITHIN_S
) -> Any:
    """The answer's JSON; None when nobody serves `data`. Exits with 1 when it is refused.

    Whoever may write the data may make a key; this one lives for one request.
    """
    url = serving(data)
    if url is None:
        return None
    keys, entropy = ApiKeys(data / API_KEYS), SystemEntropy()
    name = f"cli-{re.sub('[^a-z0-9]', '-', operator().lower())[:32]}-{entropy.token(4).hex()}"
    token = keys.issue(name, [scope], entropy, SystemClock().now())
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.post(f"{url}{path}", json=body, headers=headers, timeout=within_s, trust_env=False)
    except httpx.ConnectError:
        return None
    finally:
        keys.revoke(name)
    said = answer.json()
    if answer.is_error:
        fail(pick((said["message"], said["message_zh"]), LANGUAGE), DOES_NOT_HOLD)
    return said
