"""The plain service for whole lives of orders: FastAPI, SQLAlchemy, one transaction a message.

Every push of `partners.py` is authenticated as the centre does it, changes the order's row and adds a line to its
status log (SQLite, WAL, synchronous=FULL). Stock is one counter an article, taken in the order's own transaction. No
partner is called, nothing reacts, nothing is encrypted or chained: it does less than any real one, so that the ratio
does not flatter us.
"""

import hashlib
import hmac
import json
import re
import socket
import sys
import threading
from base64 import b64decode
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from sqlalchemy import Engine, ForeignKey, create_engine, event, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from bench.partners import FINANCE, MERCHANT, OWN_SHOP, WMS

_TURN: Final = threading.Lock()  # writers take turns, as in `reference_plain`
_CODE: Final = re.compile(rb"<deliveryOrderCode>([^<]+)<")
_XML: Final = "text/xml;charset=utf-8"


class Base(DeclarativeBase):
    pass


class OrderRow(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    native: Mapped[str] = mapped_column(unique=True)
    buyer: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    amount_fen: Mapped[int]
    receiver: Mapped[str]
    lines: Mapped[str]
    waybill: Mapped[str] = mapped_column(default="", index=True)


class LogRow(Base):
    __tablename__ = "status_log"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    status: Mapped[str]
    payload: Mapped[str]


class StockRow(Base):
    __tablename__ = "stock"
    sku: Mapped[str] = mapped_column(primary_key=True)
    reserved: Mapped[int]


def database(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", pool_size=40)

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    Base.metadata.create_all(engine)
    return engine


class Seals:
    """How each partner's push is told from a forgery."""

    def __init__(self, data: Path) -> None:
        self._ours = json.loads((data / "credentials.json").read_bytes())
        theirs = json.loads((data / "world-keys.json").read_bytes())[f"wechat/{MERCHANT}"]
        keys = {
            serial: load_pem_private_key(pem.encode(), None).public_key() for serial, pem in theirs.items()
        }
        self._platform = {serial: key for serial, key in keys.items() if isinstance(key, RSAPublicKey)}
        self._seal = AESGCM(self._ours[f"wechat/{MERCHANT}"]["api_v3_key"].encode())

    def check_signed(self, name: str, request: Request, body: bytes) -> None:
        head = request.headers
        text = f"{head['x-tongdan-timestamp']}\n{head['x-tongdan-nonce']}\n".encode() + body
        signature = hmac.new(self._ours[name]["secret"].encode(), text, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, head["x-tongdan-signature"]):
            raise HTTPException(401, "bad signature")

    def open_notice(self, request: Request, body: bytes) -> dict[str, Any]:
        head = request.headers
        text = f"{head['wechatpay-timestamp']}\n{head['wechatpay-nonce']}\n".encode() + body + b"\n"
        key = self._platform[head["wechatpay-serial"]]
        key.verify(b64decode(head["wechatpay-signature"]), text, PKCS1v15(), hashes.SHA256())
        sealed = json.loads(body)["resource"]
        parts = (
            sealed["nonce"].encode(),
            b64decode(sealed["ciphertext"]),
            sealed["associated_data"].encode(),
        )
        notice: dict[str, Any] = json.loads(self._seal.decrypt(*parts))
        return notice

    def check_qimen(self, request: Request, body: bytes) -> None:
        query = dict(parse_qsl(request.url.query))
        given, secret = query.pop("sign"), self._ours[f"qimen/{WMS}"]["secret"].encode()
        named = "".join(name + query[name] for name in sorted(query)).encode()
        if hashlib.md5(secret + named + body + secret).hexdigest().upper() != given:
            raise HTTPException(401, "bad signature")


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def application(engine: Engine, seals: Seals, port: int) -> FastAPI:
    sessions = sessionmaker(engine)

    @asynccontextmanager
    async def announced(_: FastAPI) -> Any:
        print(f"port {port}", flush=True)
        yield

    app = FastAPI(lifespan=announced)

    @app.post(f"/own/{OWN_SHOP}/orders", status_code=201)
    def order(request: Request, body: Body) -> Any:
        seals.check_signed(f"own/{OWN_SHOP}", request, body)
        with _TURN, sessions() as db:
            row = _placed(db, json.loads(body), body)
            db.commit()
            return {"order_id": f"MP20260101{row.id:06d}"}

    @app.post(f"/own/{OWN_SHOP}/orders/{{id}}/payments")
    def payment(request: Request, id: str, body: Body) -> Any:
        seals.check_signed(f"own/{OWN_SHOP}", request, body)
        _move(sessions, id, "payment", body)
        return {"order_id": id}

    @app.post(f"/push/wechat/{MERCHANT}")
    def paid(request: Request, body: Body) -> Any:
        _move(sessions, seals.open_notice(request, body)["out_trade_no"], "paid", body)
        return {"code": "SUCCESS"}

    @app.post(f"/push/qimen/{WMS}")
    def confirmed(request: Request, body: Body) -> Response:
        seals.check_qimen(request, body)
        found = _CODE.search(body)
        assert found is not None
        waybill = body.partition(b"<expressCode>")[2].partition(b"<")[0].decode()
        _move(sessions, found[1].decode(), "shipped", body, waybill)
        return Response("<response><flag>success</flag></response>", media_type=_XML)

    @app.post("/push/sf/{secret}")
    def signed(secret: str, body: Body) -> Any:
        (node,) = json.loads(body)["Body"]["WaybillRoute"]
        with _TURN, sessions() as db:
            row = db.query(OrderRow).filter_by(waybill=node["mailno"]).one()
            _log(db, row, "signed", body)
        return {"return_code": "0000"}

    @app.post(f"/push/finance/{FINANCE}")
    def settled(request: Request, body: Body) -> Any:
        seals.check_signed(f"finance/{FINANCE}", request, body)
        _move(sessions, json.loads(body)["order_id"], "settled", body)
        return {"ok": True}

    return app


def _placed(db: Session, said: dict[str, Any], body: bytes) -> OrderRow:
    row = OrderRow(
        native=said["order_no"],
        buyer=said["user"],
        status="placed",
        amount_fen=said["amount_fen"],
        receiver=json.dumps(said["receiver"], ensure_ascii=False),
        lines=json.dumps(said["lines"]),
    )
    db.add(row)
    for line in said["lines"]:
        taken = update(StockRow).where(StockRow.sku == line["sku"])
        found: Any = db.execute(taken.values(reserved=StockRow.reserved + line["units"]))
        if not found.rowcount:
            db.add(StockRow(sku=line["sku"], reserved=line["units"]))
    db.flush()
    db.add(LogRow(order_id=row.id, status="placed", payload=body.decode()))
    return row


def _move(sessions: "sessionmaker[Session]", id: str, status: str, body: bytes, waybill: str = "") -> None:
    with _TURN, sessions() as db:
        row = db.get_one(OrderRow, int(id.partition("-")[0][10:]))
        row.waybill = waybill or row.waybill
        _log(db, row, status, body)


def _log(db: Session, row: OrderRow, status: str, body: bytes) -> None:
    row.status = status
    db.add(LogRow(order_id=row.id, status=status, payload=body.decode()))
    db.commit()


def main() -> None:
    """`python -m bench.reference_life FILE DATA`: serve on a free port; DATA has the credentials."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    seals = Seals(Path(sys.argv[2]))
    app = application(database(Path(sys.argv[1])), seals, listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
