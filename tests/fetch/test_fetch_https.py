from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorplan.fetch.download import fetch_file
from floorplan.fetch.errors import FetchError
from tests.fetch.fetch_server import IMPATIENT, QUICK, Handler, Origin, cut_after, listed, running, status

DATA = bytes(i * i % 251 for i in range(200_000))
FILE = listed(DATA)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 and chips.example, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    made = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    made += ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:chips.example"]
    made += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(made, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.fixture
def secure(certificate: Path) -> Iterator[Origin]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(context) as server:
        yield server


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def secured(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(url.replace("http:", "https:") for url in urls)


@pytest.mark.usefixtures("trusted")
def test_over_https_as_over_http(secure: Origin, tmp_path: Path) -> None:
    secure.script.append(cut_after(50_000))
    fetch_file(FILE, tmp_path / "x", secured(secure.put(FILE, DATA)), QUICK, sleep=[].append)
    assert (tmp_path / "x").read_bytes() == DATA
    assert secure.ranges == ["", "bytes=50000-"]


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(secure: Origin, tmp_path: Path) -> None:
    waits: list[float] = []
    with pytest.raises(FetchError, match="certificate that is not trusted"):
        fetch_file(FILE, tmp_path / "x", secured(secure.put(FILE, DATA)), QUICK, sleep=waits.append)
    assert waits == []
    assert secure.seen == []


@pytest.mark.usefixtures("trusted")
def test_https_is_never_left_for_http(secure: Origin, tmp_path: Path) -> None:
    (url,) = secure.put(FILE, DATA)
    secure.script.append(status(301, Location=url))
    with pytest.raises(FetchError, match="neither https nor the same host"):
        fetch_file(FILE, tmp_path / "x", secured((url,)), QUICK)


@pytest.mark.usefixtures("trusted")
def test_http_may_lead_to_https(secure: Origin, origin: Origin, tmp_path: Path) -> None:
    (url,) = secured(secure.put(FILE, DATA))
    origin.script.append(status(301, Location=url))
    fetch_file(FILE, tmp_path / "x", (origin.base + "/old",), QUICK)
    assert (tmp_path / "x").read_bytes() == DATA


@pytest.mark.usefixtures("trusted")
def test_a_peer_that_dribbles_is_cut_off_under_tls_and_its_bytes_stay_clean(secure: Origin, tmp_path: Path) -> None:
    def slowly(handler: Handler, data: bytes) -> None:
        handler.head(200, Content_Length=len(data))
        for i in range(60):
            handler.wfile.write(data[i : i + 1])
            handler.wfile.flush()
            time.sleep(0.01)

    secure.script.append(slowly)
    notes: list[str] = []
    urls = secured(secure.put(FILE, DATA))
    fetch_file(FILE, tmp_path / "x", urls, IMPATIENT, lambda _, note: notes.append(note), [].append)
    assert any("bytes came in 0.2 s" in note for note in notes)
    # continued, never begun again: nothing of TLS was taken for content
    assert all(asked.startswith("bytes=") for asked in secure.ranges[1:])
    assert (tmp_path / "x").read_bytes() == DATA


@pytest.mark.usefixtures("trusted")
def test_a_proxy_passes_https_on(
    secure: Origin, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{origin.port}")
    (url,) = secured(secure.put(FILE, DATA))
    fetch_file(FILE, tmp_path / "x", (url.replace("127.0.0.1", "chips.example"),), QUICK)
    assert (tmp_path / "x").read_bytes() == DATA
    assert [path for path, _ in origin.seen] == [f"chips.example:{secure.port}"]
