"""One request: an address and an offset in, a stream of bytes out; slow peers and odd redirects are cut off."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

__all__ = ["Answer", "GoneAwayError", "Limits", "RangeError", "RefusedError", "request"]

_CHUNK = 1 << 16
_AGENT = "floorplan-fetch/1"
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_WAIT_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_REDIRECTS = 5


@dataclass(frozen=True)
class Limits:
    """How long a peer may take."""

    connect_s: float = 20.0
    """To take a connection."""

    stall_s: float = 30.0
    """Within any such span at least `stall_bytes` must arrive."""

    stall_bytes: int = 32_768
    """About 1 kB/s: a peer that gives less keeps us waiting on purpose, or is no use."""

    tries: int = 6
    """Failures in a row without a byte of progress before giving up."""

    backoff_s: float = 0.5
    """Wait after the first failure; it doubles with each."""

    most_wait_s: float = 60.0
    """Longest wait between two tries, also where a server asks for more."""


class GoneAwayError(Exception):
    """A failure that may pass: no connection, a cut one, a stalled one, a server that is overloaded."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        self.what = what
        self.wait_s = wait_s
        super().__init__(what)


class RefusedError(Exception):
    """A failure that stays: no such file, not allowed, a redirect to where we do not go."""


class RangeError(Exception):
    """The server does not have the part of the file that was asked for.

    Attributes:
        total: length of the file in bytes, where it says so.
    """

    def __init__(self, total: int | None) -> None:
        self.total = total
        super().__init__(f"range not satisfiable, length {total}")


@dataclass(frozen=True)
class Answer:
    """What a server gives."""

    offset: int
    """Byte of the file with which `chunks` begins: what was asked for, or 0 where the server starts anew."""

    total: int | None
    """Bytes of the whole file, None where the server does not say."""

    tag: str
    """Strong entity tag, "" where there is none."""

    chunks: Iterator[bytes]
    """Pieces of the body; raises GoneAwayError where the connection fails. Its end may come too early."""


@contextmanager
def request(url: str, offset: int, tag: str, limits: Limits) -> Iterator[Answer]:
    """Ask for a file from byte `offset` on, and for all of it where its entity tag is no longer `tag`.

    Proxies are those of the environment (`https_proxy`, `no_proxy`, ...).

    Raises:
        GoneAwayError: try again later.
        RefusedError: do not.
        RangeError: the file ends before `offset`.
    """
    if urlsplit(url).scheme == "file":
        with _local(url, offset) as answer:
            yield answer
        return
    headers = {"User-Agent": _AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if tag:
            headers["If-Range"] = tag
    with _Watch(limits) as watch:
        try:
            response = _open(url, headers, watch, limits)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: what the standard library makes of headers that break their own form
            if isinstance(error, http.client.InvalidURL):
                raise RefusedError(f"is no address ({error})") from None
            cause = _cause(error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise RefusedError(f"has a certificate that is not trusted ({cause.verify_message})") from None
            raise GoneAwayError(watch.why or _in_words(error)) from None
        with response:
            yield _answer(response, offset, watch)


def _answer(response: http.client.HTTPResponse, offset: int, watch: _Watch) -> Answer:
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise RefusedError(f"sent with Content-Encoding {encoding}, which was not asked for")
    tag = response.headers.get("ETag", "")
    tag = tag if tag.startswith('"') else ""  # a weak tag does not promise the same bytes
    length = response.length
    if response.status == 200:
        return Answer(0, length, tag, _chunks(response, watch))
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status != 206 or not found or int(found[1]) != offset:
        raise RangeError(None)  # some other part, or none
    total = int(found[2]) if found[2] != "*" else None if length is None else offset + length
    return Answer(offset, total, tag, _chunks(response, watch))


def _chunks(response: http.client.HTTPResponse, watch: _Watch) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read1(_CHUNK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise GoneAwayError(watch.why or _in_words(error)) from None
        if not chunk:
            break
        watch.feed(len(chunk))
        yield chunk
    if watch.why:
        raise GoneAwayError(watch.why)


def _open(url: str, headers: dict[str, str], watch: _Watch, limits: Limits) -> http.client.HTTPResponse:
    opener = urllib.request.OpenerDirector()
    # No handlers for ftp, data or local files: a redirect must not lead there.
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        _HTTP(watch),
        _HTTPS(watch),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(url),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    try:
        response: http.client.HTTPResponse = opener.open(
            urllib.request.Request(url, headers=headers), timeout=limits.connect_s
        )
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from None
    return response


def _refusal(error: urllib.error.HTTPError) -> Exception:
    if error.code == 416:
        found = re.fullmatch(r"bytes \*/([0-9]{1,18})", error.headers.get("Content-Range", ""))
        return RangeError(int(found[1]) if found else None)
    what = f"answered {error.code} {' '.join(str(error.reason).split())[:80]}".rstrip()
    if error.code in _WAIT_CODES:
        return GoneAwayError(what, _asked_wait_s(error.headers.get("Retry-After", "")))
    if error.code == 407:
        what += " (the proxy asks for a password)"
    return RefusedError(what)


def _asked_wait_s(text: str) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _cause(error: Exception) -> object:
    """Return what urllib has wrapped, an exception or a text."""
    return error.reason if isinstance(error, urllib.error.URLError) else error


def _in_words(error: Exception) -> str:
    reason = _cause(error)
    if isinstance(reason, ssl.SSLError):
        return f"no secure connection ({reason.reason or reason})"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return f"connection failed ({reason.strerror})"
    return f"connection failed ({' '.join(str(reason).split())[:120] or type(reason).__name__})"


class _Watch:
    """Shuts the connection down where too little arrives in a span of time; in headers as in the body."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.why = ""
        self._socket: socket.socket | None = None
        self._bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fetch-watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def feed(self, count: int) -> None:
        self._bytes += count

    def connected(self, sock: socket.socket) -> None:
        self._socket = sock

    def _run(self) -> None:
        before = 0
        while not self._done.wait(self.limits.stall_s):
            if self._bytes - before >= self.limits.stall_bytes:
                before = self._bytes
                continue
            if self._socket is None:
                continue  # not connected yet, which has a limit of its own
            self.why = f"only {self._bytes - before} bytes came in {self.limits.stall_s:g} s"
            with suppress(OSError):  # closed already
                # Of the plain socket: the one of TLS would go on to read what is still on the line as if it were plain.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            return


class _HTTP(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_watched(http.client.HTTPConnection, self.watch), req)


class _HTTPS(urllib.request.AbstractHTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        context = ssl.create_default_context()  # here, as loading the certificates takes time that http does not need
        return self.do_open(_watched(http.client.HTTPSConnection, self.watch), req, context=context)

    https_request = urllib.request.AbstractHTTPHandler.do_request_


def _watched(kind: type[http.client.HTTPConnection], watch: _Watch) -> Any:
    """Return a kind of connection that shows its socket to the watch."""

    class Watched(kind):  # type: ignore[misc, valid-type]  # one of the two classes of the standard library
        def connect(self) -> None:
            super().connect()
            watch.connected(self.sock)

    return Watched


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, to https or to where the request went already."""

    max_redirections = _MOST_REDIRECTS

    def __init__(self, url: str) -> None:
        self.first = urlsplit(url)

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = urlsplit(newurl)
        same = (new.scheme, new.netloc.lower()) == (self.first.scheme, self.first.netloc.lower())
        if new.scheme != "https" and not same:
            raise RefusedError(
                f"redirects to {new.scheme}://{new.hostname or ''}, which is neither https nor the same host"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _local(url: str, offset: int) -> Iterator[Answer]:
    path = Path(url2pathname(urlsplit(url).path))
    try:
        f = path.open("rb")
        total = path.stat().st_size
    except FileNotFoundError:
        raise RefusedError("is no such file") from None
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror or error})") from None
    with f:
        if offset > total:
            raise RangeError(total)
        f.seek(offset)
        yield Answer(offset, total, "", _pieces(f))


def _pieces(f: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := f.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise RefusedError(f"cannot be read ({error.strerror or error})") from None
