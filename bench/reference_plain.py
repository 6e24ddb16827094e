"""The plain service: FastAPI, SQLAlchemy, one transaction an order, the way the tutorials teach it.

It checks the same signatures and stores the order, its lines and a status log in SQLite (WAL,
synchronous=FULL), one commit an order, also inside a push of many. It has no journal, hash chain, encryption,
inbox or reactions. Writers take turns under a lock: without it SQLite's busy back-off lets a quarter of them
starve, and the ratio would flatter us.
"""

import hashlib
import hmac
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import uvicorn
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Request
from sqlalchemy import Engine, ForeignKey, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

_SECRET: Final = sys.argv[2] if len(sys.argv) > 2 else ""
_THREADS: Final = 40  # of FastAPI's pool for plain functions
_TURN: Final = threading.Lock()


class Base(DeclarativeBase):
    pass


class OrderRow(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    native: Mapped[str] = mapped_column(unique=True)
    buyer: Mapped[str]
    status: Mapped[str]
    amount_fen: Mapped[int]
    receiver: Mapped[str]
    lines: Mapped[list["LineRow"]] = relationship(back_populates="order")
    log: Mapped[list["LogRow"]] = relationship(back_populates="order")


class LineRow(Base):
    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    sku: Mapped[str]
    units: Mapped[int]
    amount_fen: Mapped[int]
    title: Mapped[str]
    order: Mapped[OrderRow] = relationship(back_populates="lines")


class LogRow(Base):
    __tablename__ = "status_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    status: Mapped[str]
    payload: Mapped[str]
    order: Mapped[OrderRow] = relationship(back_populates="log")


def database(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=_THREADS)

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    Base.metadata.create_all(engine)
    return engine


def application(engine: Engine, port: int) -> FastAPI:
    sessions = sessionmaker(engine)

    @asynccontextmanager
    async def announced(_: FastAPI) -> Any:
        print(f"port {port}", flush=True)
        yield

    app = FastAPI(lifespan=announced)

    def session() -> Iterator[Session]:
        with sessions(expire_on_commit=False) as opened:
            yield opened

    Opened = Annotated[Session, Depends(session)]  # noqa: N806

    async def signed(
        request: Request,
        x_tongdan_timestamp: Annotated[str, Header()],
        x_tongdan_nonce: Annotated[str, Header()],
        x_tongdan_signature: Annotated[str, Header()],
    ) -> None:
        text = f"{x_tongdan_timestamp}\n{x_tongdan_nonce}\n".encode() + await request.body()
        if not hmac.compare_digest(
            hmac.new(_SECRET.encode(), text, hashlib.sha256).hexdigest(), x_tongdan_signature
        ):
            raise HTTPException(401, "bad signature")

    async def pushed(
        request: Request, app_id: Annotated[str, Header()], event_sign: Annotated[str, Header()]
    ) -> None:
        text = app_id.encode() + await request.body() + _SECRET.encode()
        if not hmac.compare_digest(hashlib.md5(text).hexdigest(), event_sign):
            raise HTTPException(401, "bad signature")

    @app.post("/own/{shop}/orders", dependencies=[Depends(signed)], status_code=201)
    def own(shop: str, order: Annotated[dict[str, Any], Body()], db: Opened) -> Any:
        row = _own_row(order)
        with _TURN:
            db.add(row)
            db.commit()
        return {"order": row.id, "shop": shop}

    @app.post("/push/douyin/{_app}", dependencies=[Depends(pushed)])
    def douyin(_app: str, items: Annotated[list[dict[str, str]], Body()], db: Opened) -> Any:
        for item in items:
            with _TURN:
                _note(db, item)
                db.commit()
        return {"code": 0, "msg": "success"}

    return app


def _own_row(order: dict[str, Any]) -> OrderRow:
    return OrderRow(
        native=order["order_no"],
        buyer=order["user"],
        status="placed",
        amount_fen=order["amount_fen"],
        receiver=json.dumps(order["receiver"], ensure_ascii=False),
        lines=[LineRow(**line) for line in order["lines"]],
        log=[LogRow(status="placed", payload=json.dumps(order, ensure_ascii=False))],
    )


def _note(db: Session, item: dict[str, str]) -> None:
    data = json.loads(item["data"])
    native, status = str(data["p_id"]), {"100": "created", "101": "paid"}.get(item["tag"], "other")
    row = db.scalar(select(OrderRow).where(OrderRow.native == native))
    if row is None:
        row = OrderRow(native=native, buyer="", status=status, amount_fen=0, receiver="")
        db.add(row)
    row.status = status
    row.amount_fen = data.get("pay_amount", row.amount_fen)
    row.log.append(LogRow(status=status, payload=item["data"]))


def main() -> None:
    """`python -m bench.reference_plain FILE SECRET`: serve on a free port, printed as `port N`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    app = application(database(Path(sys.argv[1])), listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
