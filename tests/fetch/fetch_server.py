"""A server on localhost that behaves as well, or as badly, as a test tells it to."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from floorplan.fetch import Limits
from floorplan.fetch.catalog import CatalogFile
from floorplan.fetch.digest import blob_hash

REPOSITORY, COMMIT = "someone/chips", "0123456789abcdef0123456789abcdef01234567"

QUICK = Limits(connect_s=20.0, stall_s=20.0, stall_bytes=64, tries=3, backoff_s=0.01)

IMPATIENT = Limits(connect_s=20.0, stall_s=0.2, stall_bytes=64, tries=20, backoff_s=0.01)
"""For peers that dribble only: where the machine itself is slow, this cuts off good ones too."""

Behaviour = Callable[["Handler", bytes], None]


def blob_of(data: bytes) -> str:
    digest = blob_hash(len(data))
    digest.update(data)
    return digest.hexdigest()


def listed(data: bytes, name: str = "netlist.pb.txt", **more: Any) -> CatalogFile:
    made = {"design": "tile", "repository": REPOSITORY, "commit": COMMIT, "path": f"designs/tile/{name}"}
    return CatalogFile(**{**made, "name": name, "blob": blob_of(data), "size": len(data), **more})


class Handler(BaseHTTPRequestHandler):
    """Gives `files`, ranges of them too; the first entry of `script` takes a request over, if there is one."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]]
    script: ClassVar[list[Behaviour]]
    seen: ClassVar[list[tuple[str, dict[str, str]]]]

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        data = self.files.get(self.path, b"")
        with contextlib.suppress(OSError):  # the client has gone, as it should in places
            if self.script:
                self.script.pop(0)(self, data)
            elif not data:
                status(404)(self, data)
            else:
                give(self, data)

    def do_CONNECT(self) -> None:
        """Be a proxy for https: pass bytes to and fro, blind to what they say; every host is this one."""
        self.seen.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2]))) as far:
            other = {far: self.connection, self.connection: far}
            while ready := select.select(list(other), [], [], 2.0)[0]:
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    other[end].sendall(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's own name
        """Say nothing."""

    def head(self, code: int, **fields: object) -> None:
        self.send_response(code)
        for key, value in fields.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True


def give(handler: Handler, data: bytes, cut: int | None = None) -> None:
    """Answer as a good server does; `cut` ends the connection after so many bytes of the body."""
    tag = f'"{blob_of(data)}"'
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    start = int(found[1]) if found and handler.headers.get("If-Range", tag) == tag else 0
    if start >= len(data) and start:
        handler.head(416, Content_Range=f"bytes */{len(data)}", Content_Length=0)
        return
    body = data[start:]
    fields: dict[str, object] = {"Content_Length": len(body), "ETag": tag}
    if start:
        fields["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    handler.head(206 if start else 200, **fields)
    handler.wfile.write(body[:cut])


def cut_after(count: int) -> Behaviour:
    return lambda handler, data: give(handler, data, cut=count)


def status(code: int, **fields: object) -> Behaviour:
    return lambda handler, _: handler.head(code, Content_Length=0, **fields)


def body(data: bytes, **fields: object) -> Behaviour:
    """Answer 200 with these bytes and fields, whatever was asked; without a length unless one is given."""

    def answer(handler: Handler, _data: bytes) -> None:
        handler.head(200, **fields)
        handler.wfile.write(data)

    return answer


class Origin:
    """A running server and what it was asked."""

    def __init__(self, handler: type[Handler], port: int) -> None:
        self.handler = handler
        self.port = port
        self.script, self.seen = handler.script, handler.seen

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/mirror"

    def put(self, file: CatalogFile, data: bytes) -> tuple[str, ...]:
        """Offer the file where a mirror has it; return its address as fetching wants it."""
        path = f"/mirror/{file.repository}/{file.commit}/{file.path}"
        self.handler.files[path] = data
        return (f"http://127.0.0.1:{self.port}{path}",)

    @property
    def ranges(self) -> list[str]:
        """Return what was asked of each file, "" for all of it."""
        return [headers.get("Range", "") for _, headers in self.seen]


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[Origin]:
    handler = type("Own", (Handler,), {"files": {}, "script": [], "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Origin(handler, server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
