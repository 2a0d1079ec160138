"""What the page asks for, address by address."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from floorplan.errors import FloorplanError
from floorplan.netlist import Placement
from floorplan.view.events import Events
from floorplan.view.improve import Improver, agents_offered
from floorplan.view.live import LiveRun
from floorplan.view.live_routes import LiveRoutes
from floorplan.view.map_routes import MapRoutes
from floorplan.view.maps import Maps
from floorplan.view.policy_maps import PolicyMaps
from floorplan.view.query import binary, body, frame_of, integer
from floorplan.view.session import Session
from floorplan.view.told import about_node, found_by_name, page_scene, plc_of, trouble_of

__all__ = ["make_app"]

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_MOST_FRAMES = 400
"""Above which the steps of a search are not added to them."""

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Propose(_Strict):
    node: int
    x_um: Finite
    y_um: Finite
    orient: Annotated[int, Field(ge=0, le=7)] | None = None


class _Move(_Strict):
    node: Annotated[list[int], Field(min_length=1, max_length=20_000)]
    x_um: list[Finite]
    y_um: list[Finite]
    orient: list[Annotated[int, Field(ge=0, le=7)]] | None = None


class _Pin(_Strict):
    node: Annotated[list[int], Field(min_length=1, max_length=20_000)]
    pinned: bool


class _Improve(_Strict):
    agent: Annotated[str, Field(max_length=100)]
    budget: Annotated[str, Field(max_length=20)]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


class _Nothing(_Strict):
    pass


class _TakeFrame(_Strict):
    frame: int


def make_app(session: Session, follow: Path | None = None, policy: Path | None = None) -> Starlette:
    """Return the application; `Guard` goes around it before anyone may reach it.

    `app.state.close()` ends streams and agents, before the server goes down.

    Args:
        session: what is looked at.
        follow: folder of a run that may still go on, whose new placements become frames.
        policy: run folder, policy folder or weights file of what is asked where it wants a macro; None takes that of
            the run which is followed, or the shipped one.
    """
    return _Api(session, follow, policy).app()


class _Api:
    def __init__(self, session: Session, follow: Path | None, policy: Path | None) -> None:
        self.session = session
        self.maps = Maps(session, session.opened.serving, session.opened.said, session.opened.technology)
        self.events = Events()
        self.live = None if follow is None else LiveRun(follow, session, self.events.tell, self._renewed)
        if self.live is not None:
            self.live.start()
            policy = policy or (follow if self.live.is_run else None)
        self.of_run = LiveRoutes(session, self.live, PolicyMaps(session, policy), self.events.tell)
        self.improver = Improver(self.events.tell, self._take_over)
        self.epoch = secrets.token_hex(8)
        # read once: an address can only name one of these, whatever dots and slashes it holds
        folder = resources.files("floorplan.view") / "static"
        self.files = {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file()}

    def app(self) -> Starlette:
        get: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/": self.page,
            "/static/{name}": self.static,
            "/api/scene": self.scene,
            "/api/standing": self.standing,
            "/api/positions": self.positions,
            "/api/working": self.working,
            "/api/frame": self.frame,
            "/api/about": self.about,
            "/api/search": self.search,
            "/api/trouble": self.trouble,
            "/api/agents": self.agents,
            "/api/export": self.export,
            "/api/events": self.stream,
            **MapRoutes(self.session, self.maps).get(),
            **self.of_run.get(),
        }
        post: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/api/propose": self.propose,
            "/api/move": self.move,
            "/api/pin": self.pin,
            "/api/undo": self.undo,
            "/api/redo": self.redo,
            "/api/take": self.take,
            "/api/episode": self.episode,
            "/api/improve": self.improve,
            "/api/stop": self.stop,
            **self.of_run.post(),
        }
        routes = [Route(path, call, methods=["GET"]) for path, call in get.items()]
        routes += [Route(path, call, methods=["POST"]) for path, call in post.items()]
        app = Starlette(
            routes=routes,
            exception_handlers={FloorplanError: _refuse, HTTPException: _http, ClientDisconnect: _gone},
        )
        app.state.close = self.close
        return app

    def close(self) -> None:
        self.events.close()
        self.improver.stop(at_once=True)
        if self.live is not None:
            self.live.stop()

    # -- the page -----------------------------------------------------------------------------------------------------

    async def page(self, _request: Request) -> Response:
        return Response(self.files["index.html"], media_type="text/html")

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.files:
            raise HTTPException(404, "no such file")
        return Response(self.files[name], media_type=_TYPES.get("." + name.rpartition(".")[2], "text/plain"))

    # -- what there is to see -----------------------------------------------------------------------------------------

    async def scene(self, _request: Request) -> Response:
        scene = await run_in_threadpool(page_scene, self.session)
        return JSONResponse({**scene, "epoch": self.epoch, "layers": self.maps.layers()})

    async def standing(self, _request: Request) -> Response:
        answer = JSONResponse(await run_in_threadpool(self.session.standing))
        if not self.session.prompt:
            # the page has its figures; what a first drag needs is made ready before it comes
            threading.Thread(target=self.session.live, daemon=True).start()
        return answer

    async def positions(self, _request: Request) -> Response:
        nodes = self.session.vector_nodes
        return binary(await run_in_threadpool(lambda: self.session.positions(nodes)))

    async def working(self, _request: Request) -> Response:
        """Answer with the positions of the best that the agent at work has so far; 204 where it shows none."""
        shown = self.improver.shown
        if shown is None:
            return Response(status_code=204)
        return binary(await run_in_threadpool(lambda: self.session.positions(self.session.vector_nodes, shown)))

    async def frame(self, request: Request) -> Response:
        """Answer with the positions of a frame, its cost in a header."""
        index = frame_of(request, self.session, needed=True)
        assert index is not None

        def make() -> tuple[bytes, str]:
            placement = self.session.frames[index].placement
            data = self.session.positions(self.session.vector_nodes, placement)
            cost = self.session.frame_cost(index)
            return data, ",".join(repr(float(v)) for v in cost.to_dict().values())

        data, cost = await run_in_threadpool(make)
        return binary(data, {"x-cost": cost})

    async def about(self, request: Request) -> Response:
        node = integer(request, "node")
        return JSONResponse(await run_in_threadpool(about_node, self.session, node))

    async def search(self, request: Request) -> Response:
        query = request.query_params.get("q", "")
        return JSONResponse(await run_in_threadpool(found_by_name, self.session, query))

    async def trouble(self, _request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(trouble_of, self.session))

    async def agents(self, _request: Request) -> Response:
        return JSONResponse({"agents": await run_in_threadpool(agents_offered), "last": self.improver.last})

    async def export(self, _request: Request) -> Response:
        data = await run_in_threadpool(plc_of, self.session)
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in self.session.problem.netlist.name)[:80]
        headers = {"content-disposition": f'attachment; filename="{name or "placement"}.plc"'}
        return Response(data, media_type="text/plain; charset=utf-8", headers=headers)

    async def stream(self, _request: Request) -> Response:
        if self.events.full:
            raise HTTPException(503, "too many pages are open")
        return StreamingResponse(self.events.stream(self._hello()), media_type="text/event-stream")

    def _hello(self) -> dict[str, Any]:
        return {"event": "hello", "epoch": self.epoch, "version": self.session.version, "agent": self.improver.last}

    def _renewed(self) -> None:
        """Let the pages begin anew, as after a restart."""
        self.epoch = secrets.token_hex(8)
        self.events.tell(self._hello())

    # -- what is done -------------------------------------------------------------------------------------------------

    async def propose(self, request: Request) -> Response:
        given = await body(request, _Propose)

        def act() -> dict[str, Any]:
            answer = self.session.propose(given.node, given.x_um, given.y_um, given.orient)
            if not answer["wrong"]:  # what is illegal has no estimate
                answer["estimate"] = self.maps.proposed(given.node, given.x_um, given.y_um, given.orient)
            return answer

        # about a millisecond: on a busy machine the way to another thread and back would take longer
        if self.session.prompt and self.session.work.acquire(blocking=False):
            try:
                return JSONResponse(act())
            finally:
                self.session.work.release()
        return JSONResponse(await run_in_threadpool(act))

    async def move(self, request: Request) -> Response:
        given = await body(request, _Move)
        turns = given.node if given.orient is None else given.orient
        if any(len(v) != len(given.node) for v in (given.x_um, given.y_um, turns)):
            raise HTTPException(422, "node, x_um, y_um and orient must be of one length")
        return await self._changed(lambda: self.session.move(given.node, given.x_um, given.y_um, given.orient))

    async def pin(self, request: Request) -> Response:
        given = await body(request, _Pin)
        return await self._changed(lambda: self.session.pin(given.node, pinned=given.pinned))

    async def undo(self, request: Request) -> Response:
        await body(request, _Nothing)
        return await self._changed(self.session.undo)

    async def redo(self, request: Request) -> Response:
        await body(request, _Nothing)
        return await self._changed(self.session.redo)

    async def take(self, request: Request) -> Response:
        given = await body(request, _TakeFrame)
        if not 0 <= given.frame < len(self.session.frames):
            raise HTTPException(404, f"there is no frame {given.frame}")
        frame = self.session.frames[given.frame]
        return await self._changed(lambda: self.session.take_over(frame.placement, f"take {frame.label}"))

    async def episode(self, request: Request) -> Response:
        await body(request, _Nothing)
        first, end = await run_in_threadpool(self.session.episode)
        labels = [f.label for f in self.session.frames]
        return JSONResponse({"first": first, "end": end, "frames": labels})

    async def improve(self, request: Request) -> Response:
        given = await body(request, _Improve)
        await run_in_threadpool(lambda: self.improver.start(self.session.task(), given.agent, given.budget, given.seed))
        return JSONResponse({"started": True})

    async def stop(self, request: Request) -> Response:
        await body(request, _Nothing)
        return JSONResponse({"stopped": self.improver.stop()})

    async def _changed(self, act: Callable[[], object]) -> Response:
        """Act, tell all pages, and answer with how things stand and where every node drawn one by one is."""

        def both() -> dict[str, Any]:
            act()
            return self.session.standing()

        standing = await run_in_threadpool(both)
        self.events.tell({"event": "changed", "version": standing["version"]})
        return JSONResponse(standing)

    def _take_over(self, placement: Placement, agent: str) -> None:
        self.session.add_frame(f"before {agent}", self.session.placement)
        if len(self.session.frames) <= _MOST_FRAMES:
            for label, step in self.improver.path:
                self.session.add_frame(label, step)
        self.session.take_over(placement, f"improve with {agent}")
        self.session.add_frame(f"after {agent}", self.session.placement)
        labels = [f.label for f in self.session.frames]
        self.events.tell({"event": "changed", "version": self.session.version, "frames": labels})


async def _refuse(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=409)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)


async def _gone(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("the body was cut off", status_code=413)
