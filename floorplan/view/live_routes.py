"""Addresses of what a run of training and its policy have to say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from floorplan.errors import FloorplanError
from floorplan.view.live import LiveRun
from floorplan.view.policy_maps import STATES, PolicyMaps
from floorplan.view.query import binary, body, integer
from floorplan.view.session import Session

__all__ = ["LiveRoutes"]

Answers = dict[str, Callable[[Request], Awaitable[Response]]]


class _Follow(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    follow: bool


class LiveRoutes:
    """Answers what the page asks of a run.

    Args:
        session: what is looked at.
        live: the run, where a folder is looked at.
        policy: what may be asked of a policy.
        tell: called with events for the pages.
    """

    def __init__(
        self,
        session: Session,
        live: LiveRun | None,
        policy: PolicyMaps,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self.session, self.live, self.policy, self.tell = session, live, policy, tell

    def get(self) -> Answers:
        """Return the addresses of what there is to see."""
        return {"/api/run": self.run, "/api/policy": self.explain, "/api/policy/map": self.map}

    def post(self) -> Answers:
        """Return the addresses of what can be done."""
        return {"/api/follow": self.follow}

    async def run(self, _request: Request) -> Response:
        """Answer with the figures of the run, and whether a policy can be asked."""
        story = {"run": False} if self.live is None else await run_in_threadpool(self.live.story)
        return JSONResponse({**story, "policy_why_not": self.policy.why_not})

    async def explain(self, request: Request) -> Response:
        """Answer with where the policy wants a macro and why, or with `why_not` that cannot be said."""
        node, state = _asked(request)
        try:
            return JSONResponse(await run_in_threadpool(self.policy.explain, node, state))
        except FloorplanError as error:  # no fault of the page, which asks as it stands
            return JSONResponse({"why_not": str(error)})

    async def map(self, request: Request) -> Response:
        """Answer with a map of it, row by row from the bottom, as float32, not a number where not legal."""
        node, state = _asked(request)
        name = request.query_params.get("name", "")
        return binary(await run_in_threadpool(lambda: self.policy.values(node, state, name).astype("<f4").tobytes()))

    async def follow(self, request: Request) -> Response:
        """Let the page follow the best layout, or stay where it is."""
        given = await body(request, _Follow)
        live = self.live
        if live is None:
            raise HTTPException(409, "this is no folder of a run")
        await run_in_threadpool(lambda: live.follow(on=given.follow))
        await run_in_threadpool(live.look)
        self.tell({"event": "changed", "version": self.session.version})
        return JSONResponse(live.status())


def _asked(request: Request) -> tuple[int, str]:
    state = request.query_params.get("state", "")
    if state not in STATES:
        raise HTTPException(400, f"state must be one of {', '.join(STATES)}")
    return integer(request, "node"), state
