"""What an endpoint needs of its caller: one of some scopes, and for what concerns the whole seller, all shops.

Each endpoint states it by the type of a parameter; one that states nothing fails the test that walks over all of them.
What a caller sees of the shops is narrowed where `Parts` are handed out, not here.
"""

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from tongdan.domain.kernel.messages import Refusal
from tongdan.surfaces.http.callers import CONSOLE, Caller
from tongdan.surfaces.http.errors import Refused
from tongdan.surfaces.http.keys import Principal, Scope
from tongdan.surfaces.refusals import NOT_ALL_SHOPS, NOT_ALLOWED, NOT_FROM_CONSOLE

# They stand in the reference; the credentials themselves are read by `identified`.
_bearer: Final = HTTPBearer(auto_error=False, description="An API key (`tongdan keys create`).")
_header: Final = APIKeyHeader(
    name="X-Api-Key", auto_error=False, description="The same key, in its own header."
)


async def caller(
    found: Caller, bearer: Annotated[object, Security(_bearer)], header: Annotated[object, Security(_header)]
) -> Principal:
    """Raises Refused with 401."""
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


async def from_console(request: Request) -> None:
    """Raises Refused with 403."""
    if CONSOLE not in request.headers:
        raise Refused(NOT_FROM_CONSOLE.of())


def demand(who: Principal, *scopes: Scope) -> None:
    """One of them is enough. Raises Refused with 403."""
    if not who.scopes.intersection(scopes):
        raise Refused(NOT_ALLOWED.of(name=who.name, scope=scopes[0].value))


class Right:
    """One of `scopes`; `everywhere`: and no narrowing to some shops or warehouses."""

    def __init__(self, *scopes: Scope, everywhere: bool = False) -> None:
        self.scopes: Final = scopes
        self.everywhere: Final = everywhere

    def __call__(self, who: Annotated[Principal, Depends(caller)]) -> Principal:
        demand(who, *self.scopes)
        if self.everywhere and who.narrowed:
            raise Refused(NOT_ALL_SHOPS.of(name=who.name))
        return who


Coster = Annotated[Principal, Depends(Right(Scope.COST, everywhere=True))]
Reader = Annotated[Principal, Depends(Right(Scope.READ))]
Writer = Annotated[Principal, Depends(Right(Scope.WRITE))]
Packer = Annotated[Principal, Depends(Right(Scope.WRITE, Scope.PACK))]
Confirmer = Annotated[Principal, Depends(Right(Scope.REFUND, Scope.FINANCE))]
Bookkeeper = Annotated[Principal, Depends(Right(Scope.OPERATE, Scope.FINANCE, everywhere=True))]
# Whoever may act at all; which tickets wait for whom, their own endpoint knows.
Repairer = Annotated[Principal, Depends(Right(Scope.OPERATE, Scope.WRITE, Scope.PACK, Scope.FINANCE))]
Refunder = Annotated[Principal, Depends(Right(Scope.REFUND))]
SellerWriter = Annotated[Principal, Depends(Right(Scope.WRITE, everywhere=True))]
SellerReader = Annotated[Principal, Depends(Right(Scope.READ, everywhere=True))]
ShopOperator = Annotated[Principal, Depends(Right(Scope.OPERATE))]
Operator = Annotated[Principal, Depends(Right(Scope.OPERATE, everywhere=True))]
Eraser = Annotated[Principal, Depends(Right(Scope.ERASE, everywhere=True))]
Manager = Annotated[Principal, Depends(Right(Scope.MANAGE, everywhere=True))]
