"""A run that is still going on: placements that it writes while it is looked at become frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from floorplan.errors import FloorplanError
from floorplan.formats import read_plc
from floorplan.view.plc_files import plc_files
from floorplan.view.session import Session
from floorplan.view.source import MAX_FRAMES

__all__ = ["Follower"]


class Follower:
    """Looks at the placements of a folder again and again; it only reads, so the run loses nothing by it.

    Args:
        folder: of the run.
        session: that gets the frames.
        tell: called with an event for the pages when there are new ones.
    """

    def __init__(self, folder: Path, session: Session, tell: Callable[[dict[str, Any]], None]) -> None:
        self._folder = folder
        self._session = session
        self._tell = tell
        self._seen = dict(self._files())
        self._versions: dict[Path, int] = {}

    def look(self) -> int:
        """Make frames of the placements that are new or have changed; return how many there were."""
        new = [(path, state) for path, state in self._files() if self._seen.get(path) != state]
        count = 0
        for path, state in new:
            self._seen[path] = state
            if len(self._session.frames) >= 2 * MAX_FRAMES:
                continue
            try:
                placement = read_plc(path, self._session.problem.netlist).placement
            except FloorplanError:
                continue  # not a placement of this netlist; one that changes once more is read once more
            number = self._versions.get(path, 0) + 1
            self._versions[path] = number
            label = str(path.relative_to(self._folder))
            self._session.add_frame(label if number == 1 else f"{label} ({number})", placement)
            count += 1
        if count:
            labels = [f.label for f in self._session.frames]
            self._tell({"event": "changed", "version": self._session.version, "frames": labels})
        return count

    def _files(self) -> list[tuple[Path, tuple[int, int]]]:
        return sorted((path, (state.st_mtime_ns, state.st_size)) for path, state in plc_files(self._folder))
