"""The signature of a call that Taobao and JD share: MD5 over all parameters, sorted, between two secrets.

It proves who calls and that nothing was changed on the way; what it cannot prove is when, so a timestamp is one of the
parameters. Both platforms publish a worked example, which the tests recompute.
"""

import hashlib
from collections.abc import Mapping


def md5_sign(secret: str, parameters: Mapping[str, str]) -> str:
    """Upper-case hex. `parameters` are all that are signed, without `sign` itself."""
    text = "".join(name + parameters[name] for name in sorted(parameters))
    return hashlib.md5(f"{secret}{text}{secret}".encode()).hexdigest().upper()
