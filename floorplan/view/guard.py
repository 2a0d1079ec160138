"""Who may talk to the viewer: its own page, opened with the token, and nobody else.

A page of another site that the same person has open can make the browser send requests to 127.0.0.1. So every request
must name this server as its host (a name that was made to resolve to 127.0.0.1 does not), must come from the page
itself where the browser says where it comes from, and must carry the token, in the URL once and then as a cookie that
no script can read and that is not sent along from other sites.
"""

from __future__ import annotations

import hmac
import os
import secrets
import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MAX_BODY_BYTES", "Guard", "persistent_token"]

MAX_BODY_BYTES = 1 << 20
MAX_QUERY_BYTES = 4096
_KEY_BYTES = 32
_KEY_LIVES_S = 24 * 3600

_HEADERS = {
    # no inline script or style, no frame, no plug-in, nothing from elsewhere; blob: is for what the page exports
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=()",
    "cache-control": "no-store",
}


class Guard:
    """Wraps an application: refuses strangers, limits bodies, and adds the headers that bind the browser.

    Args:
        app: the application inside.
        token: what the URL and the cookie must hold.
        port: that the server listens on; with it, `Host` and `Origin` are known in full.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app = app
        self.token = token
        self.cookie = f"floorplan_view_{port}"
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 400, 403, 405, 411, 413, 414 or 421."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refused(scope)
        if refused is not None:
            await _answer(send, *refused)
            return
        begins = scope["path"] == "/" and self._token_given(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(k.encode(), v.encode()) for k, v in _HEADERS.items()]
                if begins:
                    value = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
                    extra.append((b"set-cookie", value.encode()))
                ours = {k for k, _ in extra}
                message["headers"] = [h for h in message.get("headers", []) if h[0].lower() not in ours] + extra
            await send(message)

        await self.app(scope, _Limited(receive), with_headers)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return 421, "this server answers to 127.0.0.1 and localhost only"
        origins = _values(headers, b"origin")
        changes = scope["method"] == "POST"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "GET or POST"
        if any(origin not in self.origins for origin in origins) or (changes and not origins):
            return 403, "the request comes from another page"
        if any(site not in ("same-origin", "none") for site in _values(headers, b"sec-fetch-site")) and not (
            # a link in a mail or a chat: the page may open, it shows nothing without the token
            scope["path"] == "/" and _values(headers, b"sec-fetch-mode") == ["navigate"]
        ):
            return 403, "the request comes from another site"
        if len(scope["query_string"]) > MAX_QUERY_BYTES:
            return 414, "query too long"
        if not (self._token_given(scope) if scope["path"] == "/" else False) and not self._cookie_given(headers):
            return 403, "open the whole address that `floorplan view` printed, with its token"
        if changes:
            return _body_refused(headers)
        return None

    def _token_given(self, scope: Scope) -> bool:
        try:
            given = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=20).get("token", [])
        except ValueError:
            return False
        return len(given) == 1 and _same(given[0], self.token)

    def _cookie_given(self, headers: list[tuple[bytes, bytes]]) -> bool:
        for text in _values(headers, b"cookie"):
            try:
                found = SimpleCookie(text).get(self.cookie)
            except CookieError:
                continue
            if found is not None and _same(found.value, self.token):
                return True
        return False


def _body_refused(headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    kinds = _values(headers, b"content-type")
    if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != "application/json":
        return 415, "the body must be application/json"
    lengths = _values(headers, b"content-length")
    if len(lengths) != 1 or not lengths[0].isdigit():
        return 411, "the body needs a content-length"
    if int(lengths[0]) > MAX_BODY_BYTES:
        return 413, f"the body may hold {MAX_BODY_BYTES} bytes"
    return None


class _Limited:
    """Cuts a body off at the limit, whatever its length was said to be."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.seen = 0

    async def __call__(self) -> Message:
        message = await self.receive()
        self.seen += len(message.get("body", b""))
        if self.seen > MAX_BODY_BYTES:
            return {"type": "http.disconnect"}
        return message


async def _answer(send: Send, status: int, text: str) -> None:
    body = (text + "\n").encode()
    headers = [(k.encode(), v.encode()) for k, v in _HEADERS.items()]
    headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key.lower() == name]


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def persistent_token(path: Path, port: int, folder: Path | None = None) -> str:
    """Return a token that is the same when the viewer of `path` at `port` is started again within a day.

    So a page that is open finds its way back. It follows from a random key in a file that only its owner can read;
    where no such file can be kept, the token is a random one.

    Args:
        path: what is viewed.
        port: of the server.
        folder: of the key; None takes the user's folder for such things.
    """
    try:
        key = _key(folder or _state_folder())
    except OSError:
        return secrets.token_urlsafe(_KEY_BYTES)
    return hmac.new(key, f"{port}\0{path.resolve()}".encode(), "sha256").hexdigest()


def _state_folder() -> Path:
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".local" / "state") / "floorplan"


def _key(folder: Path) -> bytes:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "view.key"
    try:
        state = file.lstat()
        mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
        if file.is_symlink() or not mine or state.st_mode & 0o077 or time.time() - state.st_mtime > _KEY_LIVES_S:
            file.unlink()
        else:
            key = file.read_bytes()
            if len(key) == _KEY_BYTES:
                return key
            file.unlink()
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(_KEY_BYTES)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as f:
        f.write(key)
    return key
