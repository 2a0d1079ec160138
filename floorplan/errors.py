"""Typed errors: every failure a user can cause names what is wrong and where."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "BudgetError",
    "CheckpointError",
    "FloorplanError",
    "InfeasibleActionError",
    "InfeasibleProblemError",
    "NetlistError",
    "ParseError",
    "ProblemError",
    "UnknownNameError",
]


class FloorplanError(Exception):
    """Base of all errors that a user's input can cause; the CLI prints it in one line and exits 2."""


class ParseError(FloorplanError):
    """A file does not say what its format requires.

    Attributes:
        path: the file as the user named it.
        line: 1-based line number, 0 where the whole file is at fault.
        what: the cause, in one sentence without a final stop.
    """

    def __init__(self, path: str | Path, line: int, what: str) -> None:
        self.path = Path(path)
        self.line = line
        self.what = what
        where = f"{self.path}:{line}" if line else f"{self.path}"
        super().__init__(f"{where}: {what}")


class NetlistError(FloorplanError):
    """A netlist is inconsistent (duplicate name, pin of an unknown node, negative size, ...)."""


class ProblemError(FloorplanError):
    """Canvas, constraints or placement do not fit the netlist."""


class InfeasibleProblemError(FloorplanError):
    """No legal placement was found; the message says what is in the way."""


class InfeasibleActionError(FloorplanError):
    """An environment was asked to place a macro where its mask forbids it."""

    def __init__(self, action: int, legal_count: int) -> None:
        self.action = action
        self.legal_count = legal_count
        super().__init__(f"action {action} is masked; {legal_count} legal actions exist")


class BudgetError(FloorplanError):
    """A budget is not of the form 60s, 200000p or 10e."""


class CheckpointError(FloorplanError):
    """A checkpoint or policy file is missing, damaged, or made for another configuration."""


class UnknownNameError(FloorplanError):
    """A registry was asked for a name that it does not hold; the message lists the known ones."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = sorted(known)
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(self.known)}")
