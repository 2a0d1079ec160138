"""Addresses of pictures: tiles and cells of any placement, maps over it, and the estimate's figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from floorplan.estimate.errors import IllegalPlacementError, ThermalRunawayError
from floorplan.view.maps import Maps
from floorplan.view.query import binary, frame_of, integer, number
from floorplan.view.session import Session
from floorplan.view.tiles import CellTiles, KeptTiles

__all__ = ["MapRoutes"]

MAX_CELLS = 4000
"""Cells in sight that are handed out as rectangles; where there are more, tiles must do."""


class MapRoutes:
    """Answers what the page draws beneath and over the macros.

    Args:
        session: what is looked at.
        maps: its layers.
    """

    def __init__(self, session: Session, maps: Maps) -> None:
        self.session, self.maps = session, maps
        self._others = KeptTiles(session.problem)
        self._names = {layer["name"] for layer in maps.layers()}

    def get(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Return the addresses and what answers them."""
        return {
            "/api/tile": self.tile,
            "/api/cells": self.cells,
            "/api/map": self.map,
            "/api/estimate": self.estimate,
        }

    def _tiles(self, frame: int | None) -> CellTiles:
        return self.session.tiles() if frame is None else self._others.of(self.session.frames[frame].placement)

    async def tile(self, request: Request) -> Response:
        """Answer with one tile of soft macros and cells, of the placement as it stands or of a frame."""
        level, column, row = (integer(request, name) for name in ("level", "column", "row"))
        frame = frame_of(request, self.session, needed=False)

        def draw() -> bytes:
            try:
                return self._tiles(frame).tile(level, column, row).tobytes()
            except ValueError as error:
                raise HTTPException(404, str(error)) from None

        return binary(await run_in_threadpool(draw))

    async def cells(self, request: Request) -> Response:
        """Answer with the rectangles that meet a box, and their ids; 204 where there are too many."""
        box = [number(request, name) for name in ("x0", "y0", "x1", "y1")]
        frame = frame_of(request, self.session, needed=False)

        def find() -> bytes | None:
            tiles = self._tiles(frame)
            at = tiles.within(box[0], box[1], box[2], box[3], MAX_CELLS)
            if at is None:
                return None
            rects = np.stack([tiles.x0[at], tiles.y0[at], tiles.x1[at] - tiles.x0[at], tiles.y1[at] - tiles.y0[at]])
            return rects.astype("<f4").tobytes() + tiles.node[at].astype("<i4").tobytes()

        found = await run_in_threadpool(find)
        return Response(status_code=204) if found is None else binary(found)

    async def map(self, request: Request) -> Response:
        """Answer with the values of a layer, row by row from the bottom, as float32.

        What a placement has no estimate of has no values, and why is in a header: on the way to a better placement that
        is nothing out of order.
        """
        name = request.query_params.get("name", "")
        if name not in self._names:
            raise HTTPException(400, f"name must be one of {', '.join(sorted(self._names))}")
        frame = frame_of(request, self.session, needed=False)

        def make() -> tuple[bytes, dict[str, str]]:
            try:
                return self.maps.values(name, frame).astype("<f4").tobytes(), {}
            except (IllegalPlacementError, ThermalRunawayError) as error:
                return b"", {"x-why": quote(str(error))}

        return binary(*await run_in_threadpool(make))

    async def estimate(self, _request: Request) -> Response:
        """Answer with the headline figures of the chip; 204 where no chip is known."""
        found = await run_in_threadpool(self.maps.estimate)
        return Response(status_code=204) if found is None else JSONResponse(found)
