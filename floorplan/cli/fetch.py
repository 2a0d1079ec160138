"""`floorplan fetch`: public netlists by name, checked against the hashes of a catalogue."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from floorplan.errors import FloorplanError

if TYPE_CHECKING:
    from floorplan.fetch import Catalog, CatalogFile, FetchedDesign, Reporter

__all__ = ["Fetch", "NothingNamedError"]


_RESUMED = 1 << 17
"""A first report of more bytes than one read gives means that a part was there."""


class NothingNamedError(FloorplanError):
    """Neither a design, a suite nor --list was given."""


@dataclass(frozen=True)
class Fetch:
    """Fetch public netlists into the data folder ($FLOORPLAN_DATA), or list them; what is there stays there."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME|SUITE")] = ()
    """Designs or suites, or `all`."""

    dest: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Also copy each design to DIR/NAME; a file that differs there is never overwritten."""

    catalog: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """Catalogue in place of the one that comes with Floorplan."""

    list: tyro.conf.FlagCreatePairsOff[bool] = False
    """List suites, designs, sizes, licences and what is there already; fetches nothing."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a list."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show no progress."""

    def run(self) -> int:
        """Fetch what is named, one file after the other, and print where each design is and what to do with it.

        Raises:
            NothingNamedError: there is nothing to do.
            FetchError: a file cannot be had; designs before it are there.
        """
        from floorplan.cli.result import print_json
        from floorplan.fetch import fetch_design, read_catalog

        catalog = read_catalog(self.catalog)
        if self.list:
            said = _listed(catalog, self.names)
            if self.json:
                print_json(said)
            else:
                _print_list(said)
            return 0
        if not self.names:
            raise NothingNamedError("name a design or a suite to fetch, or ask for --list")
        # named twice, fetched once
        designs = list({d.name: d for name in self.names for d in catalog.select(name)}.values())
        done: list[FetchedDesign] = []
        try:
            with _progress(quiet=self.quiet) as report:
                for design in designs:
                    done.append(fetch_design(design, self.dest, report))  # noqa: PERF401  # kept where one fails
        finally:
            # after the bar is gone, and also where a design after these could not be had
            if not self.json:
                sys.stdout.writelines(f"{d.design.name}: {d.folder}\n  next: {d.next_command}\n" for d in done)
        if self.json:
            print_json({"designs": [_fetched(d) for d in done], "transferred_bytes": sum(_came(d) for d in done)})
        return 0


def _came(done: FetchedDesign) -> int:
    return sum(g.transferred for g in done.files)


def _fetched(done: FetchedDesign) -> dict[str, object]:
    files = [
        {"path": str(got.path), "blob": file.blob, "bytes": file.size, "was_kept": got.was_kept}
        for file, got in zip(done.design.files, done.files, strict=True)
    ]
    return {
        "name": done.design.name,
        "suite": done.design.suite,
        "folder": str(done.folder),
        "files": files,
        "transferred_bytes": _came(done),
        "next": done.next_command,
    }


def _listed(catalog: Catalog, names: tuple[str, ...]) -> dict[str, Any]:
    """Return suites with their designs, those named only where any are."""
    from floorplan.fetch import data_folder, kept_bytes

    wanted = {d.name for name in names for d in catalog.select(name)}
    suites = []
    for suite in catalog.suites:
        designs = [
            {"name": d.name, "bytes": d.size, "kept_bytes": kept_bytes(d), "files": [f.name for f in d.files]}
            for d in suite.designs
            if d.name in wanted or not names
        ]
        if designs:
            suites.append({"name": suite.name, "what": suite.what, "licence": suite.licence, "designs": designs})
    return {"catalog": str(catalog.path), "data_folder": str(data_folder()), "suites": suites}


def _print_list(said: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 1000)
    for suite in said["suites"]:
        console.print(
            f"[bold]{escape(suite['name'])}[/bold]  {escape(suite['what'])}; licence: {escape(suite['licence'])}"
        )
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        for design in suite["designs"]:
            missing = design["bytes"] - design["kept_bytes"]
            state = "here" if not missing else "" if not design["kept_bytes"] else f"{_mb(missing)} missing"
            table.add_row(f"  {escape(design['name'])}", _mb(design["bytes"]), state)
        console.print(table)
    console.print(f"data folder: {escape(said['data_folder'])}", soft_wrap=True)


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 50_000 else f"{count / 1e3:.1f} kB"


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Reporter | None]:
    """Yield what to call with each step: it moves a bar on stderr, or prints lines where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    if quiet:
        yield None
        return
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        yield _Bar(bar)


class _Bar:
    """Moves one bar, a new one for each file."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.tasks: dict[str, Any] = {}

    def __call__(self, file: CatalogFile, done: int, note: str) -> None:
        if note:
            self.bar.console.print(f"{file.label}: {note}", markup=False, soft_wrap=True)
        if file.label not in self.tasks:
            for task in self.tasks.values():
                self.bar.update(task, visible=False)
            # how long a compressed file is, is known when it has come
            self.tasks[file.label] = self.bar.add_task(file.label, total=None if file.packed else file.size)
        self.bar.update(self.tasks[file.label], completed=done)


class _Lines:
    """Prints a line at the first byte of each file, and what is out of the ordinary, for logs."""

    def __init__(self, console: Any) -> None:
        self.console = console
        self.begun: set[str] = set()

    def __call__(self, file: CatalogFile, done: int, note: str) -> None:
        if note:
            self.console.print(f"{file.label}: {note}", markup=False, soft_wrap=True)
        elif file.label not in self.begun:
            self.begun.add(file.label)
            left = f", going on after {_mb(done)}" if done > _RESUMED else ""
            self.console.print(f"fetching {file.label}, {_mb(file.size)}{left}", markup=False, soft_wrap=True)
