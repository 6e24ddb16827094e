"""The console: the files that the build has left, each sent compressed as it lies there.

Whatever is no file and no endpoint is a page of the console, which looks at the address itself. Only what was there
at start-up is served, so no path leads out of the directory.
"""

import mimetypes
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

import tongdan
from tongdan.surfaces.http.errors import OF_ANY_ORIGIN, refusal_response
from tongdan.surfaces.refusals import CONSOLE_NOT_BUILT, UNKNOWN_PATH

_PAGE: Final = "index.html"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FOR_EVER: Final = (
    "public, max-age=31536000, immutable"  # names under assets/ hold a digest of what is in them
)
EMBEDDED: Final = "widget/"  # what pages of other origins load
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))


def built() -> Path | None:
    """The directory of the built console: in the package, else in the checkout; None when it was not built."""
    package = Path(tongdan.__file__).parent
    places = (package / "console", package.parents[1] / "web" / "dist")
    return next((place for place in places if (place / _PAGE).is_file()), None)


class Console:
    """The ASGI application behind all routes; without a `place` it says that nothing was built."""

    def __init__(self, place: Path | None) -> None:
        found = [] if place is None else [file for file in place.rglob("*") if file.is_file()]
        self._files: Final = {file.relative_to(place).as_posix(): file for file in found if place is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        if name not in self._files:
            is_page = request.method in ("GET", "HEAD") and "." not in name.rpartition("/")[2]
            if not is_page or name.startswith("api/"):
                return refusal_response(UNKNOWN_PATH.of())
            name = _PAGE
        if name not in self._files:
            return refusal_response(CONSOLE_NOT_BUILT.of())
        headers = {**_HEADERS, "Vary": "Accept-Encoding"}
        headers["Cache-Control"] = _FOR_EVER if name.startswith("assets/") else "no-cache"
        if name.startswith(EMBEDDED):
            headers |= {**OF_ANY_ORIGIN, "Cache-Control": "public, max-age=3600"}
        accepted = request.headers.get("accept-encoding", "")
        file = self._files[name]
        for encoding, suffix in _ENCODINGS:
            if encoding in accepted and name + suffix in self._files:
                file, headers["Content-Encoding"] = self._files[name + suffix], encoding
                break
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return FileResponse(file, headers=headers, media_type=media_type)
