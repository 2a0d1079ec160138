"""A session over a small design, and a client that puts requests to the application as they are, odd ones too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from floorplan.view import Guard, Session, make_app, open_path
from floorplan.view.source import Opened

TOKEN = "t" * 43
PORT = 8765
HOME = f"http://127.0.0.1:{PORT}"


def small(folder: Path) -> Opened:
    return open_path(folder / "initial.plc", compare=(folder / "overlap.plc",))


@dataclass
class Answer:
    status_code: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Sends what it is told to, with the host and origin of the page unless told otherwise, and keeps the cookie."""

    def __init__(self, app: Guard) -> None:
        self.app = app
        self.headers = {"host": HOME.removeprefix("http://"), "origin": HOME}

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers)

    def post(
        self, path: str, body: object = None, headers: dict[str, str] | None = None, content: bytes = b""
    ) -> Answer:
        data = content if body is None else json.dumps(body).encode()
        given = {"content-type": "application/json", "content-length": str(len(data))} | (headers or {})
        return self.request("POST", path, given, data)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, content: bytes = b"") -> Answer:
        answer = asyncio.run(self._request(method, path, self.headers | (headers or {}), content))
        if "set-cookie" in answer.headers:
            self.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return answer

    async def _request(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Answer:
        plain, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(plain).decode("utf-8", "replace"),
            "raw_path": plain.encode(),
            "root_path": "",
            "query_string": quote(query, safe="=&%+").encode(),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", PORT),
        }
        chunks = _chunks(content)
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return next(chunks, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start = sent[0]
        body = b"".join(m.get("body", b"") for m in sent[1:])
        return Answer(start["status"], {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}, body)


def _chunks(content: bytes, size: int = 1 << 16) -> Iterable[dict[str, Any]]:
    parts = [content[i : i + size] for i in range(0, len(content), size)] or [b""]
    return iter([{"type": "http.request", "body": p, "more_body": i + 1 < len(parts)} for i, p in enumerate(parts)])


def page_of(session: Session, *, inside: bool = True) -> Client:
    """A client like the page; with `inside` it has opened the address with the token."""
    client = Client(Guard(make_app(session), TOKEN, PORT))
    if inside:
        assert client.get(f"/?token={TOKEN}").status_code == 200
    return client
