"""The server around the page: one socket on 127.0.0.1, until Ctrl-C."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from floorplan.errors import FloorplanError
from floorplan.view.guard import Guard, persistent_token
from floorplan.view.server import make_app
from floorplan.view.session import LARGE_NODES, Session
from floorplan.view.source import Opened

__all__ = ["USUAL_PORT", "announcer", "serve"]

USUAL_PORT = 8765
"""On 127.0.0.1, where none is asked for."""


def announcer(*, browser: bool) -> Callable[[str], None]:
    """Return what writes an address to stdout and, if `browser`, opens it there."""

    def show(url: str) -> None:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    return show


def serve(
    opened: Opened,
    path: Path,
    port: int | None,
    show: Callable[[str], None],
    *,
    usual_port: int = USUAL_PORT,
    token: str | None = None,
    policy: Path | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        opened: what is looked at.
        path: it was read from; the token follows from it, so that the same address works after a restart.
        port: to listen on; None takes `usual_port`, or any free one if that is taken.
        show: called with the address once the server listens.
        usual_port: see `port`.
        token: instead of the one that follows from the path.
        policy: that is asked where it wants a macro; None takes the run's own, or the shipped one.

    Raises:
        FloorplanError: the port is taken.
    """
    listener = _listen(port, usual_port)
    number = int(listener.getsockname()[1])
    secret = token or persistent_token(path, number)
    session = Session(opened)
    session.tiles().tile(0, 0, 0)
    threading.Thread(target=_get_ready, args=(session,), daemon=True).start()
    app = make_app(session, path if path.is_dir() else None, policy)
    config = uvicorn.Config(
        Guard(app, secret, number),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
        limit_concurrency=200,
    )
    server = _Server(config, lambda: show(f"http://127.0.0.1:{number}/?token={secret}"), app.state.close)
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it listens, and ends what would go on for ever before it goes down."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], close: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._close = close

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._close()
        await super().shutdown(sockets)


def _get_ready(session: Session) -> None:
    """Compile and build what the first look and the first drag need, while the page is being opened.

    Of a large design only what is drawn: its cost takes seconds, which the page asks for when it has been drawn.
    """
    if len(session.placement) > LARGE_NODES:
        return
    try:
        session.standing()
        session.live()
    except FloorplanError:
        return  # a netlist without nets has no cost; the page says so when it asks


def _listen(port: int | None, usual: int) -> socket.socket:
    for candidate in [usual, 0] if port is None else [port]:
        # asyncio sends small answers at once only where the protocol is named, else 40 ms later
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # so that a server started again at once gets its port back
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if candidate == 0 or port is not None:
                raise FloorplanError(f"port {candidate} of 127.0.0.1 cannot be used ({error.strerror})") from None
        else:
            return listener
    raise AssertionError
