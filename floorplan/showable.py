"""What lets an object show itself in a notebook: a hook for data classes that know nothing of HTML."""

from __future__ import annotations

from importlib import import_module

__all__ = ["Showable"]


class Showable:
    """An object that a notebook draws; `floorplan.notebook` says how, by the object's class."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        # By name: pictures are made of everything, so what makes them lies above whatever is shown.
        html: str | None = import_module("floorplan.notebook").html_of(self)
        return html
