"""A floorplan in the browser: a local server with the exact cost behind it, and the page that it serves."""

from floorplan.view.guard import Guard
from floorplan.view.server import make_app
from floorplan.view.session import Session
from floorplan.view.source import Frame, Opened, open_path

__all__ = ["Frame", "Guard", "Opened", "Session", "make_app", "open_path"]
