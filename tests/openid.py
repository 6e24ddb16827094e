"""A small OpenID provider in a process of its own, honest unless it is told to lie: `python -m tests.openid`.

Real HTTP and real RS256. People sign in by a click on their name; `/fault?what=…` makes the next ID token wrong in one
way, `/rotate` gives it another key. It keeps to the rules that a provider has: a code works once, for the client,
address and PKCE verifier it was made for.
"""

import hashlib
import hmac
import json
import secrets
import socket
import subprocess
import sys
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "tongdan", "a secret: of the client"
PEOPLE = {
    "boss": ["everyone", "tongdan-admin"],
    "li": ["tongdan-service"],
    "zhao": ["tongdan-warehouse"],
    "guest": ["visitors"],
}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


class OpenId:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys = [self._new_key()]
        self.codes: dict[str, dict[str, str]] = {}
        self.fault = ""
        self.groups = {name: list(groups) for name, groups in PEOPLE.items()}

    def _new_key(self) -> RSAKey:
        return RSAKey.generate_key(
            2048, parameters={"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"}
        )

    async def discovery(self, request: web.Request) -> web.Response:
        places = {
            "authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks",
            "end_session_endpoint": "logout",
        }  # fmt: skip
        named = {name: f"{self.issuer}/{path}" for name, path in places.items()}
        return web.json_response({"issuer": self.issuer, **named})

    async def jwks(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: web.Request) -> web.Response:
        links = [
            f'<a href="/pick?{urlencode({**request.query, "who": who})}">{who}</a>' for who in self.groups
        ]
        page = f"<!doctype html><html lang=en><title>provider</title>{' '.join(links)}"
        return web.Response(text=page, content_type="text/html")

    async def pick(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        code = secrets.token_hex(8)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        raise web.HTTPSeeOther(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        pair = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().split(":")
        if [unquote(each) for each in pair] != [CLIENT, SECRET]:
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(str(form["code"]), None)
        challenge = _text(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        access, fault, self.fault = secrets.token_hex(8), self.fault, ""
        return web.json_response(
            {"token_type": "Bearer", "access_token": access, "id_token": self._signed(asked, access, fault)}
        )

    def _signed(self, asked: dict[str, str], access: str, fault: str) -> str:
        now = int(time.time())
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.issuer, "sub": f"sub-{asked['who']}", "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "at_hash": _text(half), "preferred_username": asked["who"],
            "groups": self.groups[asked["who"]],
        }  # fmt: skip
        wrong: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": "another"}, "audience": {"aud": "another"}, "issuer": {"iss": "https://evil.test"},
            "expired": {"iat": now - 900, "exp": now - 600}, "late": {"iat": now - 330, "exp": now - 30},
            "early": {"iat": now + 600, "nbf": now + 600, "exp": now + 900}, "at_hash": {"at_hash": "x"},
            "audiences": {"aud": [CLIENT, "another"]}, "name": {"preferred_username": "BOSS"},
        }  # fmt: skip
        claims |= wrong.get(fault, {})
        if fault == "no-nonce":
            del claims["nonce"]
        return self._sealed(claims, fault)

    def _sealed(self, claims: dict[str, Any], fault: str) -> str:
        key = self.keys[-1]
        header = {"alg": "RS256", "kid": key.kid}
        if fault == "key":
            key = RSAKey.generate_key(2048)
        if fault in ("none", "shared"):
            header["alg"] = "none" if fault == "none" else "HS256"
            said = ".".join(_text(json.dumps(each).encode()) for each in (header, claims))
            public = key.as_pem(private=False)
            signature = b"" if fault == "none" else hmac.digest(public, said.encode(), "sha256")
            return f"{said}.{_text(signature)}"
        return jwt.encode(header, claims, key)

    async def logout(self, request: web.Request) -> web.Response:
        assert request.query["client_id"] == CLIENT
        raise web.HTTPSeeOther(request.query["post_logout_redirect_uri"])

    async def lie(self, request: web.Request) -> web.Response:
        self.fault = request.query["what"]
        return web.Response()

    async def rotate(self, request: web.Request) -> web.Response:
        self.keys = [self._new_key()]
        return web.Response()

    async def regroup(self, request: web.Request) -> web.Response:
        self.groups[request.query["who"]] = request.query["groups"].split()
        return web.Response()


@contextmanager
def running() -> Iterator[str]:
    """The provider as a process; its issuer."""
    command = [sys.executable, "-m", "tests.openid"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer, "the provider did not start"
        yield issuer
        process.terminate()


def main() -> None:
    here = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{here.getsockname()[1]}"
    openid, app = OpenId(issuer), web.Application()
    app.router.add_get("/.well-known/openid-configuration", openid.discovery)
    app.router.add_post("/token", openid.token)
    for name in ("jwks", "authorize", "pick", "logout", "rotate", "regroup"):
        app.router.add_get(f"/{name}", getattr(openid, name))
    app.router.add_get("/fault", openid.lie)
    web.run_app(app, sock=here, print=lambda *_: print(issuer, flush=True))


if __name__ == "__main__":
    main()
