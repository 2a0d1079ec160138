from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from floorplan.fetch.catalog import CatalogFile
from floorplan.fetch.download import Got, fetch_file, part_beside
from floorplan.fetch.errors import FetchError, MismatchError
from tests.fetch.fetch_server import (
    IMPATIENT,
    QUICK,
    Behaviour,
    Handler,
    Origin,
    blob_of,
    body,
    cut_after,
    give,
    listed,
    running,
    status,
)

DATA = bytes(i * i % 251 for i in range(300_000))
FILE = listed(DATA)
PACKED = listed(DATA, path="designs/tile/netlist.pb.txt.gz", packed="gzip")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "netlist.pb.txt"


def fetch(file: CatalogFile, target: Path, urls: tuple[str, ...], waits: list[float] | None = None) -> Got:
    return fetch_file(file, target, urls, QUICK, sleep=[].append if waits is None else waits.append)


def left(target: Path) -> list[str]:
    """Return what lies in the folder beside the lock."""
    return sorted(p.name for p in target.parent.iterdir() if not p.name.endswith(".lock"))


def test_a_file_comes_once_and_is_then_there(origin: Origin, target: Path) -> None:
    urls = origin.put(FILE, DATA)
    assert fetch(FILE, target, urls) == Got(target, was_kept=False, transferred=len(DATA))
    assert target.read_bytes() == DATA
    assert left(target) == ["netlist.pb.txt"]
    assert fetch(FILE, target, urls) == Got(target, was_kept=True, transferred=0)
    assert origin.ranges == [""]


def test_cut_connections_are_continued_where_they_broke(origin: Origin, target: Path) -> None:
    origin.script += [cut_after(100_000), cut_after(50_000)]
    got = fetch(FILE, target, origin.put(FILE, DATA))
    assert target.read_bytes() == DATA
    assert origin.ranges == ["", "bytes=100000-", "bytes=150000-"]
    assert origin.seen[1][1]["If-Range"] == f'"{blob_of(DATA)}"'
    assert got.transferred == len(DATA)
    assert left(target) == ["netlist.pb.txt"]


def test_what_came_before_giving_up_is_continued_the_next_time(origin: Origin, target: Path) -> None:
    urls = origin.put(FILE, DATA)
    origin.script += [cut_after(100_000), *[cut_after(0)] * QUICK.tries]
    with pytest.raises(FetchError, match=r"cut after 100000 of 300000 bytes, 3 times in a row; 100000 bytes are kept"):
        fetch(FILE, target, urls)
    assert part_beside(FILE, target).read_bytes() == DATA[:100_000]
    assert fetch(FILE, target, urls).transferred == 200_000
    assert target.read_bytes() == DATA


def test_interrupted_it_leaves_a_part_that_is_continued(origin: Origin, target: Path) -> None:
    def stop(done: int, _note: str) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    urls = origin.put(FILE, DATA)
    with pytest.raises(KeyboardInterrupt):
        fetch_file(FILE, target, urls, QUICK, stop)
    have = part_beside(FILE, target).stat().st_size
    assert have > 100_000
    assert not target.exists()
    assert fetch(FILE, target, urls).transferred == len(DATA) - have
    assert origin.ranges[-1] == f"bytes={have}-"


def test_a_server_without_ranges_starts_anew(origin: Origin, target: Path) -> None:
    origin.script += [cut_after(100_000), body(DATA, Content_Length=len(DATA))]
    assert fetch(FILE, target, origin.put(FILE, DATA)).transferred == 400_000
    assert target.read_bytes() == DATA


def test_a_part_of_another_content_is_given_up_for_the_whole(origin: Origin, target: Path) -> None:
    urls = origin.put(FILE, DATA)
    target.parent.mkdir(parents=True)
    part_beside(FILE, target).write_bytes(b"?" * 100_000)
    # no tag is known of this part, so the server continues it; the result is wrong, and is not blamed on the server
    assert fetch(FILE, target, urls).transferred == 500_000
    assert origin.ranges == ["bytes=100000-", ""]
    assert target.read_bytes() == DATA


def test_a_changed_tag_makes_the_server_give_the_whole(origin: Origin, target: Path) -> None:
    urls = origin.put(FILE, DATA)
    target.parent.mkdir(parents=True)
    part = part_beside(FILE, target)
    part.write_bytes(b"?" * 100_000)
    part.with_suffix(".tag").write_text(f'{urls[0]}\n"of old"')
    assert fetch(FILE, target, urls).transferred == len(DATA)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    "said",
    [
        "bytes 5-299999/300000",
        "bytes 100000-",
        "items 100000-299999/300000",
        "x" * 9000,
        "bytes " + "9" * 5000 + "-9/9",
    ],
)
def test_an_answer_with_another_range_starts_anew(origin: Origin, target: Path, said: str) -> None:
    def other(handler: Handler, data: bytes) -> None:
        handler.head(206, Content_Range=said, Content_Length=10)
        handler.wfile.write(data[:10])

    origin.script += [cut_after(100_000), other]
    fetch(FILE, target, origin.put(FILE, DATA))
    assert origin.ranges == ["", "bytes=100000-", ""]
    assert target.read_bytes() == DATA


def test_a_server_that_never_has_the_range_is_given_up(origin: Origin, target: Path) -> None:
    origin.script += [status(416)] * 9
    with pytest.raises(FetchError, match="does not give the file from its beginning"):
        fetch(FILE, target, origin.put(FILE, DATA))
    assert len(origin.seen) == 2


def garbage(handler: Handler, data: bytes) -> None:
    handler.wfile.write(b"\0\xff not http" + data[:5000])
    handler.close_connection = True


def hang_up(handler: Handler, _data: bytes) -> None:
    handler.close_connection = True


def no_length(handler: Handler, data: bytes) -> None:
    handler.head(200)
    handler.wfile.write(data[:1234])


FAULTS = [garbage, hang_up, no_length, give, status(500), status(503), cut_after(0), cut_after(70_000), cut_after(9)]


@settings(max_examples=12, deadline=None)
@example(faults=[no_length], packed=True)  # only the end of a packed file tells that it was cut
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=6), packed=st.booleans())
def test_after_any_row_of_faults_the_file_is_right(
    faults: list[Behaviour], packed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("faults") / "kept" / "netlist.pb.txt"
    file, data = (PACKED, gzip.compress(DATA, 1, mtime=0)) if packed else (FILE, DATA)
    with running() as server:
        server.script += faults
        fetch_file(file, target, server.put(file, data), replace(QUICK, tries=9), sleep=[].append)
    assert target.read_bytes() == DATA
    assert left(target) == ["netlist.pb.txt"]


@pytest.mark.parametrize("spoiled", ["\x00", '{0}\n"a\r\nX-Injected: 1"', "\ud800"])
def test_a_damaged_tag_reaches_no_header(origin: Origin, target: Path, spoiled: str) -> None:
    urls = origin.put(FILE, DATA)
    target.parent.mkdir(parents=True)
    part = part_beside(FILE, target)
    part.write_bytes(DATA[:1000])
    part.with_suffix(".tag").write_bytes(spoiled.format(urls[0]).encode(errors="surrogatepass"))
    fetch(FILE, target, urls)
    assert "If-Range" not in origin.seen[0][1]
    assert "X-Injected" not in origin.seen[0][1]


def test_a_part_longer_than_the_file_is_dropped(origin: Origin, target: Path) -> None:
    urls = origin.put(FILE, DATA)
    target.parent.mkdir(parents=True)
    part_beside(FILE, target).write_bytes(DATA + b"more")
    assert fetch(FILE, target, urls).transferred == len(DATA)


def test_wrong_bytes_are_refused_and_not_kept(origin: Origin, target: Path) -> None:
    wrong = DATA[:-1] + b"!"
    with pytest.raises(MismatchError) as error:
        fetch(FILE, target, origin.put(FILE, wrong))
    assert (error.value.file, error.value.expected, error.value.found) == (FILE.label, blob_of(DATA), blob_of(wrong))
    assert "tile/netlist.pb.txt" in str(error.value)
    assert left(target) == []


@pytest.mark.parametrize("size", [2000, len(DATA) - 1, len(DATA) + 1])
def test_a_wrong_length_is_refused_before_its_bytes(origin: Origin, target: Path, size: int) -> None:
    with pytest.raises(MismatchError, match=f"expected 300000 bytes, found {size} bytes"):
        fetch(FILE, target, origin.put(FILE, b"x" * size))
    assert left(target) == []


def test_more_bytes_than_promised_are_not_taken(origin: Origin, target: Path) -> None:
    sent = 0

    def endless(handler: Handler, data: bytes) -> None:
        nonlocal sent
        handler.head(200)  # no length: as long as the connection lasts
        for _ in range(4000):
            sent += handler.wfile.write(data[:65536])

    origin.script.append(endless)
    with pytest.raises(MismatchError, match="expected at most 300000 bytes, found more"):
        fetch(FILE, target, origin.put(FILE, DATA))
    assert left(target) == []
    assert sent < 4000 * 65536


def test_bytes_beyond_the_stated_length_are_not_read(origin: Origin, target: Path) -> None:
    origin.script.append(body(DATA + b"more", Content_Length=len(DATA)))
    fetch(FILE, target, origin.put(FILE, DATA))
    assert target.read_bytes() == DATA


def dribble(in_body: bool) -> object:
    def slowly(handler: Handler, data: bytes) -> None:
        if in_body:
            handler.head(200, Content_Length=len(data))
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(60):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.01)

    return slowly


@pytest.mark.parametrize("in_body", [True, False])
def test_a_peer_that_dribbles_is_cut_off(origin: Origin, target: Path, in_body: bool) -> None:
    origin.script += [dribble(in_body)]  # type: ignore[list-item]  # made for either place
    notes: list[str] = []
    fetch_file(FILE, target, origin.put(FILE, DATA), IMPATIENT, lambda _, note: notes.append(note), lambda _: None)
    assert any("bytes came in 0.2 s" in note for note in notes)
    assert target.read_bytes() == DATA


def test_a_file_that_is_not_there_is_asked_for_once(origin: Origin, target: Path) -> None:
    waits: list[float] = []
    with pytest.raises(FetchError, match=r"tile/netlist\.pb\.txt: http://127.* answered 404 Not Found"):
        fetch(FILE, target, (origin.base + "/no/such",), waits)
    assert len(origin.seen) == 1
    assert waits == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:port/x", "http://127.0.0.1/a b", "http://127.0.0.1/a\r\nX: 1"])
def test_an_address_that_is_none_is_not_tried_again(target: Path, url: str) -> None:
    waits: list[float] = []
    with pytest.raises(FetchError, match="is no address"):
        fetch(FILE, target, (url,), waits)
    assert waits == []


def test_a_server_in_trouble_is_asked_again_with_growing_waits(origin: Origin, target: Path) -> None:
    origin.script += [status(500), status(503, Retry_After=7)]
    waits: list[float] = []
    fetch(FILE, target, origin.put(FILE, DATA), waits)
    assert 0.008 <= waits[0] <= 0.012
    assert waits[1] == 7
    origin.script += [status(502), status(429, Retry_After=10**8), status(504)]
    target.unlink()
    with pytest.raises(FetchError, match="answered 504 Gateway Timeout, 3 times in a row"):
        fetch(FILE, target, origin.put(FILE, DATA), waits)
    assert waits[3:] == [QUICK.most_wait_s]


def test_no_server_at_all(target: Path) -> None:
    with running() as gone:
        urls = gone.put(FILE, DATA)
    with pytest.raises(FetchError, match="connection failed"):
        fetch(FILE, target, urls)


@pytest.mark.parametrize(
    "to", ["http://chips.example/x", "ftp://127.0.0.1/x", "file:///etc/hostname", "http://127.0.0.1:1/x"]
)
def test_redirects_lead_nowhere_but_to_https_or_the_same_host(origin: Origin, target: Path, to: str) -> None:
    origin.script.append(status(302, Location=to))
    with pytest.raises(FetchError, match=r"redirects|302"):
        fetch(FILE, target, origin.put(FILE, DATA))
    assert len(origin.seen) == 1
    assert left(target) == []


def test_a_redirect_on_the_same_host_is_followed_and_keeps_its_range(origin: Origin, target: Path) -> None:
    (url,) = origin.put(FILE, DATA)
    moved = status(302, Location=url)
    origin.script += [moved, cut_after(1000), moved]
    fetch(FILE, target, (origin.base + "/old",))
    assert origin.ranges == ["", "", "bytes=1000-", "bytes=1000-"]
    assert target.read_bytes() == DATA


def test_a_circle_of_redirects_ends(origin: Origin, target: Path) -> None:
    url = origin.base + "/round"
    origin.script += [status(302, Location=url)] * 30
    with pytest.raises(FetchError, match="302"):
        fetch(FILE, target, (url,))
    assert len(origin.seen) < 12


def test_an_encoding_that_was_not_asked_for_is_refused(origin: Origin, target: Path) -> None:
    packed = gzip.compress(DATA)
    origin.script.append(body(packed, Content_Length=len(packed), Content_Encoding="gzip"))
    with pytest.raises(FetchError, match="Content-Encoding gzip"):
        fetch(FILE, target, origin.put(FILE, DATA))


def test_a_proxy_of_the_environment_is_asked(origin: Origin, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{origin.port}")
    url = "http://chips.example/designs/netlist.pb.txt"
    origin.handler.files[url] = DATA
    fetch(FILE, target, (url,))
    assert origin.seen[0][0] == url  # the whole address: only a proxy is asked so
    assert target.read_bytes() == DATA


def test_a_proxy_that_wants_a_password_is_named(origin: Origin, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{origin.port}")
    origin.script.append(status(407))
    with pytest.raises(FetchError, match="the proxy asks for a password"):
        fetch(FILE, target, ("http://chips.example/x",))


def test_a_folder_serves_as_well_as_a_server(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "a file"
    source.write_bytes(DATA)
    fetch(FILE, target, (source.as_uri(),))
    assert target.read_bytes() == DATA
    target.unlink()
    with pytest.raises(FetchError, match="is no such file"):
        fetch(FILE, target, ((tmp_path / "none").as_uri(),))
    with pytest.raises(FetchError, match="cannot be read"):
        fetch(FILE, target, (tmp_path.as_uri(),))


def test_a_compressed_file_is_kept_unpacked(origin: Origin, target: Path) -> None:
    packed = gzip.compress(DATA, mtime=0)
    origin.script.append(cut_after(500))
    got = fetch(PACKED, target, origin.put(PACKED, packed))
    assert got.transferred == len(packed)
    assert target.read_bytes() == DATA
    assert left(target) == ["netlist.pb.txt"]


def test_a_compressed_part_that_is_whole_is_not_asked_for_twice(origin: Origin, target: Path) -> None:
    packed = gzip.compress(DATA, mtime=0)
    target.parent.mkdir(parents=True)
    part_beside(PACKED, target).write_bytes(packed)
    assert fetch(PACKED, target, origin.put(PACKED, packed)).transferred == 0
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("packed", "found"),
    [
        (gzip.compress(DATA + b"x"), "more than 300000 bytes"),
        (gzip.compress(DATA[:-1]), "299999 bytes"),
        (gzip.compress(DATA[:-1] + b"!"), blob_of(DATA[:-1] + b"!")),
        (gzip.compress(DATA)[:-9], "a damaged gzip file"),
        (gzip.compress(bytes(50_000_000)), "more than 300000 bytes"),
        (DATA, "a damaged gzip file"),
    ],
    ids=["longer", "shorter", "other", "cut", "bomb", "plain"],
)
def test_what_unpacks_to_something_else_is_refused(origin: Origin, target: Path, packed: bytes, found: str) -> None:
    with pytest.raises(MismatchError) as error:
        fetch(PACKED, target, origin.put(PACKED, packed))
    assert error.value.found.startswith(found)
    assert left(target) == []


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 300000\n".encode()


def test_behind_a_git_lfs_pointer_the_file_itself_is_sought(origin: Origin, target: Path) -> None:
    (pointer,) = origin.put(listed(DATA, path="pointer"), POINTER)
    (real,) = origin.put(FILE, DATA)
    fetch(FILE, target, (pointer, real))
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("file", [FILE, PACKED])
def test_a_git_lfs_pointer_is_not_taken_for_the_file(origin: Origin, target: Path, file: CatalogFile) -> None:
    with pytest.raises(
        MismatchError, match=r"a git-LFS pointer to 300000 bytes with sha256 abab.*, not the file itself"
    ):
        fetch(file, target, origin.put(file, POINTER))
    assert left(target) == []


def test_a_kept_file_that_was_damaged_is_fetched_again(origin: Origin, target: Path) -> None:
    urls = origin.put(FILE, DATA)
    fetch(FILE, target, urls)
    target.write_bytes(DATA[:-1] + b"!")
    assert not fetch(FILE, target, urls).was_kept
    assert target.read_bytes() == DATA


def test_without_room_nothing_is_asked_for(origin: Origin, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 299_999))  # type: ignore[attr-defined]  # what disk_usage returns
    with pytest.raises(FetchError, match=r"needs 300000 bytes at .* where 299999 are free"):
        fetch(FILE, target, origin.put(FILE, DATA))
    assert origin.seen == []


def test_a_disk_that_fills_up_is_told_apart_from_the_network(origin: Origin, target: Path) -> None:
    def full(done: int, _note: str) -> None:
        if done:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FetchError, match="the disk is full"):
        fetch_file(FILE, target, origin.put(FILE, DATA), QUICK, full)
    assert len(origin.seen) == 1


_FETCH = """
import json, sys
from pathlib import Path
from floorplan.fetch.catalog import CatalogFile
from floorplan.fetch.download import fetch_file
file, target, url = json.loads(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
got = fetch_file(CatalogFile(**file), Path(target), (url,))
print(got.was_kept, got.transferred)
"""


def start(target: Path, url: str) -> subprocess.Popen[str]:
    given = json.dumps([vars(FILE), str(target), url])
    process = subprocess.Popen(
        [sys.executable, "-c", _FETCH, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_two_processes_one_fetches_and_the_other_waits(origin: Origin, target: Path) -> None:
    def slow(handler: Handler, data: bytes) -> None:
        time.sleep(0.3)
        give(handler, data)

    (url,) = origin.put(FILE, DATA)
    origin.script += [slow, slow]
    both = [start(target, url), start(target, url)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=20)[0] for process in both)
    assert said == ["False 300000\n", "True 0\n"]
    assert len(origin.seen) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_process_leaves_a_part_and_no_lock(origin: Origin, target: Path) -> None:
    def stuck(handler: Handler, data: bytes) -> None:
        handler.head(200, Content_Length=len(data))
        handler.wfile.write(data[:100_000])
        handler.wfile.flush()
        time.sleep(1.0)

    (url,) = origin.put(FILE, DATA)
    origin.script.append(stuck)
    process = start(target, url)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    part, until = part_beside(FILE, target), time.monotonic() + 10
    while not (part.is_file() and part.stat().st_size == 100_000):
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert fetch(FILE, target, (url,)).transferred == 200_000
    assert target.read_bytes() == DATA
