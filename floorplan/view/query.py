"""What a request says, checked: numbers and frames in its address, its JSON body; and answers in bytes."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from floorplan.view.session import Session

__all__ = ["binary", "body", "frame_of", "integer", "number"]

T = TypeVar("T", bound=BaseModel)


async def body(request: Request, model: type[T]) -> T:
    """Return the body as its model.

    Raises:
        HTTPException: it is another.
    """
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HTTPException(422, f"{where}: {first['msg']}" if where else first["msg"]) from None


def integer(request: Request, name: str) -> int:
    """Return a whole number of the address.

    Raises:
        HTTPException: it is none.
    """
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise HTTPException(400, f"{name} must be a whole number >= 0")
    return int(text)


def number(request: Request, name: str) -> float:
    """Return a number of the address.

    Raises:
        HTTPException: it is none.
    """
    try:
        value = float(request.query_params.get(name, ""))
    except ValueError:
        value = float("nan")
    if not abs(value) <= 1e9:
        raise HTTPException(400, f"{name} must be a number")
    return value


def frame_of(request: Request, session: Session, *, needed: bool) -> int | None:
    """Return which frame the address names; None where it may name none and does not.

    Raises:
        HTTPException: there is no such frame.
    """
    if not needed and "frame" not in request.query_params:
        return None
    index = integer(request, "frame")
    if not 0 <= index < len(session.frames):
        raise HTTPException(404, f"there is no frame {index}")
    return index


def binary(data: bytes, headers: dict[str, str] | None = None) -> Response:
    """Answer with bytes."""
    return Response(data, media_type="application/octet-stream", headers=headers)
