"""`floorplan view`: the address on stdout, and what is said where it cannot be."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.cli.view import View
from floorplan.errors import FloorplanError
from tests.view.browser_cases import viewer


def test_the_address_is_printed_and_answers_with_its_token_only(two_macros: Path, tmp_path: Path) -> None:
    with viewer(two_macros / "initial.plc", state=tmp_path) as (url, process):
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert answer.status == 200
            assert b"Floorplan" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url.partition("?")[0], timeout=20)
        host, port = url.split("/")[2].split(":")
        assert host == "127.0.0.1"
        outside = {i[4][0] for i in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
        for address in outside:
            if not address.startswith("127."):
                with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
                    socket.create_connection((address, int(port)), timeout=2)
        assert process.poll() is None


def test_a_taken_port_is_refused(two_macros: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        view = View(two_macros / "initial.plc", port=taken.getsockname()[1], browser=False)
        with pytest.raises(FloorplanError, match=r"port \d+ of 127.0.0.1 cannot be used"):
            view.run()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_refused(two_macros: Path, port: int) -> None:
    with pytest.raises(FloorplanError, match="--port"):
        View(two_macros / "initial.plc", port=port, browser=False).run()


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FloorplanError, match="no run here"):
        View(tmp_path, browser=False).run()
    with pytest.raises(FloorplanError, match="no such run, placement or netlist"):
        View(tmp_path / "none.plc", browser=False).run()
