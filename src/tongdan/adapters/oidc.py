"""A provider of OpenID Connect: where it sends people to, and who it says has come back.

Authorization code with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636; discovery: OpenID Connect Discovery 1.0 §4).
Signatures are checked by joserfc, claims by Authlib; nothing is believed that this provider has not signed for us,
for this attempt, now. Its keys are fetched again when it signs with one that is not known.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tongdan.adapters.sign_in_rules import is_safe
from tongdan.ports import Clock, Credentials, HttpRequest, HttpResponse, NoAnswer, Transport, Unreachable
from tongdan.ports.identity import CALLBACK, Identity, NotProven, SignIn, Unavailable

CREDENTIAL: Final = "sign-in/oidc"
FRESH_S: Final = 3_600.0  # after this, keys and addresses are asked for again
KEYS_AGAIN_S: Final = 10.0  # a stranger's token must not make us ask the provider each time
MAX_TOKEN_CHARS: Final = 65_536
MAX_GROUPS: Final = 1_000  # of one person
WITHIN_S: Final = 10.0

T = TypeVar("T")


class _Places(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str = ""


class Provider:
    """The one that `how` names. Methods that ask it raise Unavailable."""

    def __init__(self, how: SignIn, transport: Transport, clock: Clock, credentials: Credentials) -> None:
        self.how: Final = how
        self._transport: Final = transport
        self._clock: Final = clock
        self._credentials: Final = credentials
        self._found: tuple[float, _Places] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def way_in(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent to sign in there."""
        places = await self._places()
        url: str = prepare_grant_uri(
            places.authorization_endpoint, self.how.client_id, "code",
            redirect_uri=self.how.public_url.rstrip("/") + CALLBACK, scope=" ".join(self.how.scopes),
            state=state, nonce=nonce, code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )  # fmt: skip
        return url

    async def way_out(self) -> str:
        """Where the session at the provider ends, which leads back to the console; "" where it does not say."""
        place = (await self._places()).end_session_endpoint
        if not place:
            return ""
        back = {
            "client_id": self.how.client_id,
            "post_logout_redirect_uri": f"{self.how.public_url.rstrip('/')}/",
        }
        return f"{place}{'&' if '?' in place else '?'}{urlencode(back)}"

    async def identify(self, *, code: str, nonce: str, verifier: str) -> Identity:
        """Who came back with `code` from an attempt of this `nonce` and `verifier`. Raises NotProven."""
        tokens = await self._exchange(code, verifier)
        claims = await self._claims(tokens, nonce)
        subject, name = claims["sub"], _claim(claims, self.how.name_claim)
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not isinstance(name, str):
            raise NotProven("name")
        groups = _claim(claims, self.how.groups_claim)
        listed = groups if isinstance(groups, list) else []
        return Identity(
            subject=f"{self.how.issuer} {subject}",
            name=name,
            groups=tuple([each for each in listed[:MAX_GROUPS] if isinstance(each, str)]),
        )

    async def _exchange(self, code: str, verifier: str) -> _Tokens:
        places = await self._places()
        form = {
            "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
            "redirect_uri": self.how.public_url.rstrip("/") + CALLBACK,
        }  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            secret = self._credentials.get(CREDENTIAL)["client_secret"]
        except KeyError:
            raise Unavailable(f"the credential {CREDENTIAL} with client_secret is missing") from None
        if "client_secret_basic" in places.token_endpoint_auth_methods_supported:
            pair = f"{quote(self.how.client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749 §2.3.1
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.how.client_id, "client_secret": secret}
        answer = await self._send("POST", places.token_endpoint, headers, urlencode(form).encode())
        if answer.status == 400:
            raise NotProven("code")
        return _decoded("token_endpoint", answer, _Tokens)

    async def _claims(self, tokens: _Tokens, nonce: str) -> Mapping[str, Any]:
        if len(tokens.id_token) > MAX_TOKEN_CHARS:
            raise NotProven("length")
        try:
            header = jws.extract_compact(tokens.id_token.encode()).headers()
            if header.get("alg") not in self.how.algorithms:
                raise NotProven("algorithm")
            key = await self._key(header.get("kid"))
            token = jwt.decode(tokens.id_token, key, algorithms=list(self.how.algorithms))
        except (JoseError, ValueError, TypeError):
            raise NotProven("signature") from None
        claims: Any = CodeIDToken(
            token.claims, token.header,
            options={
                "iss": {"essential": True, "value": self.how.issuer},
                "aud": {"essential": True, "value": self.how.client_id},
            },
            params={"nonce": nonce, "client_id": self.how.client_id, "access_token": tokens.access_token},
        )  # fmt: skip
        try:
            claims.validate(now=int(self._clock.now().timestamp()), leeway=self.how.leeway_s)
        except JoseError as error:
            raise NotProven(getattr(error, "claim", None) or error.error) from None
        return dict(claims)

    async def _key(self, kid: object) -> Any:
        """Raises NotProven where the provider has no such key."""
        name = kid if isinstance(kid, str) else None
        for age_s in (FRESH_S, KEYS_AGAIN_S):
            keys = await self._key_set(age_s)
            try:
                return keys.get_by_kid(name)
            except JoseError:
                continue
        raise NotProven("key")

    async def _key_set(self, at_most_s: float) -> KeySet:
        """Those that were fetched so many seconds ago at most."""
        now_s = self._clock.monotonic()
        if self._keys is None or now_s - self._keys[0] >= at_most_s:
            place = (await self._places()).jwks_uri
            said = _decoded("jwks_uri", await self._send("GET", place), dict[str, Any])
            try:
                keys = KeySet.import_key_set({"keys": said["keys"]})
            except (JoseError, KeyError, ValueError, TypeError):
                raise Unavailable("jwks_uri: expected keys") from None
            self._keys = now_s, keys
        return self._keys[1]

    async def _places(self) -> _Places:
        now_s = self._clock.monotonic()
        if self._found is None or now_s - self._found[0] >= FRESH_S:
            url = self.how.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = _decoded("discovery", await self._send("GET", url), _Places)
            if found.issuer != self.how.issuer:
                raise Unavailable("discovery: it names another issuer")
            for place in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                if not is_safe(place.partition("?")[0]):
                    raise Unavailable("discovery: an address that is not https")
            self._found = now_s, found
        return self._found[1]

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> HttpResponse:
        asked = HttpRequest(method=method, url=url, headers=headers or {}, body=body, timeout_s=WITHIN_S)
        try:
            return await self._transport.send(asked)
        except (Unreachable, NoAnswer) as error:
            raise Unavailable(str(error)) from None


def _decoded(what: str, answer: HttpResponse, kind: type[T]) -> T:
    if answer.status != 200:
        raise Unavailable(f"{what}: status {answer.status}")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError:
        raise Unavailable(f"{what}: not what the specification says") from None


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """`realm_access.roles` lies in `realm_access`, unless a claim is called so as a whole."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
