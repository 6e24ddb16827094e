"""Telling a system of the seller's own something: JSON, signed as `authentic.py` says, under an id that it keeps once.

A missing credential or a refused signature stops the system, not the message; any other refusal is this message's.
"""

import msgspec

from tongdan.adapters.partners.authentic import signed_headers
from tongdan.adapters.partners.exchange import Wire, exchange, fields_of
from tongdan.ports import Errand, Failed, HttpRequest, HttpResponse


async def tell(
    wire: Wire, url: str, credential: str, errand: Errand, said: dict[str, object]
) -> HttpResponse | Failed:
    """Post `said` with the errand's id, signed with the `secret` of `credential`; the answer below 300."""
    fields = fields_of(wire, credential, "secret")
    if isinstance(fields, Failed):
        return fields
    body = msgspec.json.encode({"id": errand.id, **said})
    nonce = f"{errand.id}-{errand.tries}"
    headers = signed_headers(fields[0].encode(), wire.clock.now(), nonce, body)
    response = await exchange(wire, HttpRequest(method="POST", url=url, headers=headers, body=body))
    if isinstance(response, Failed):
        return response
    if response.status in (401, 403):
        return Failed(f"HTTP {response.status}", partner_wide=True)
    if response.status >= 300:
        return Failed(f"HTTP {response.status}", final=True)
    return response
