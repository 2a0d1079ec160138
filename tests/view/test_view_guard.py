"""Who is refused: wrong or no token, other hosts and origins, odd paths, bodies that are too large or make no sense."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the viewer's packages are not installed")

from floorplan.view import Session
from floorplan.view.guard import MAX_BODY_BYTES, persistent_token
from tests.view.view_cases import PORT, TOKEN, Client, page_of, small


@pytest.fixture
def session(two_macros: Path) -> Session:
    return Session(small(two_macros))


@pytest.fixture
def stranger(session: Session) -> Client:
    return page_of(session, inside=False)


@pytest.fixture
def page(session: Session) -> Client:
    return page_of(session)


GET = ("/", "/static/app.js", "/api/scene", "/api/tile?level=0&column=0&row=0", "/api/export", "/api/events", "/no")


@pytest.mark.parametrize("path", GET)
def test_without_the_token_nothing_is_shown(stranger: Client, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert b"macro" not in answer.content


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "t", TOKEN.upper(), "%00", "%C3%A9", "\u00e9"])
def test_a_wrong_token_is_refused(stranger: Client, token: str) -> None:
    answer = stranger.get(f"/?token={token}")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_two_tokens_are_refused(stranger: Client) -> None:
    assert stranger.get(f"/?token=wrong&token={TOKEN}").status_code == 403


def test_the_token_opens_the_page_only(stranger: Client) -> None:
    assert stranger.get(f"/api/scene?token={TOKEN}").status_code == 403


@pytest.mark.parametrize(
    "cookie", ["", "floorplan_view_8765=wrong", f"floorplan_view_1={TOKEN}", "floorplan_view_8765", ";=;"]
)
def test_a_wrong_cookie_is_refused(stranger: Client, cookie: str) -> None:
    assert stranger.get("/api/scene", headers={"cookie": cookie}).status_code == 403


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Client) -> None:
    cookie = stranger.get(f"/?token={TOKEN}").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.evil.example:{PORT}",
        f"[::1]:{PORT}",
        "",
    ],
)
def test_another_host_is_refused_even_with_the_token(page: Client, host: str) -> None:
    assert page.get(f"/?token={TOKEN}", headers={"host": host}).status_code == 421


ORIGINS = [
    "http://evil.example",
    "null",
    f"https://127.0.0.1:{PORT}",
    "http://127.0.0.1:1",
    f"http://127.0.0.1:{PORT}.evil.example",
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_another_origin_is_refused_even_with_the_cookie(page: Client, origin: str) -> None:
    assert page.get("/api/scene", headers={"origin": origin}).status_code == 403
    assert page.post("/api/undo", body={}, headers={"origin": origin}).status_code == 403


def test_a_change_without_an_origin_is_refused(page: Client) -> None:
    del page.headers["origin"]
    assert page.post("/api/undo", body={}).status_code == 403
    assert page.get("/api/scene").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_makes_the_browser_send_is_refused(page: Client, site: str) -> None:
    assert page.get("/api/scene", headers={"sec-fetch-site": site}).status_code == 403
    assert page.get("/api/export", headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"}).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(page: Client, method: str) -> None:
    assert page.request(method, "/api/scene").status_code == 405


def test_a_change_by_get_is_refused(page: Client) -> None:
    assert page.get("/api/undo").status_code == 405


PATHS = [
    "/static/..%2f..%2fserver.py",
    "/static/%2e%2e/%2e%2e/session.py",
    "/static/....//server.py",
    "/static/%2fetc%2fpasswd",
    "/static/../guard.py",
    "/static//etc/passwd",
    "/static/app.js%00.png",
    "/static/",
    "/static/..",
    "/../../etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_pages_own_files(page: Client, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code in (404, 405)
    assert b"import" not in answer.content
    assert b"root:" not in answer.content


def test_a_body_that_says_it_is_too_large_is_refused_unread(page: Client) -> None:
    headers = {"content-length": str(MAX_BODY_BYTES + 1)}
    assert page.post("/api/move", content=b"{}", headers=headers).status_code == 413


def test_a_body_that_is_too_large_is_refused(page: Client) -> None:
    body = b'{"node": [' + b"1," * MAX_BODY_BYTES + b"1]}"
    assert page.post("/api/move", content=body).status_code == 413


def test_a_body_that_is_larger_than_it_says_is_cut_off(page: Client, session: Session) -> None:
    body = b'{"node": [' + b"1," * MAX_BODY_BYTES + b"1]}"
    assert page.post("/api/move", content=body, headers={"content-length": "2"}).status_code == 413
    assert session.version == 0


def test_a_body_without_a_length_is_refused(page: Client) -> None:
    for length in ("", "-1", "2, 2", "two"):
        assert page.post("/api/undo", content=b"{}", headers={"content-length": length}).status_code == 411
    answer = page.request("POST", "/api/undo", {"content-type": "application/json"}, b"{}")
    assert answer.status_code == 411


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_body_of_a_kind_that_a_form_can_send_is_refused(page: Client, kind: str) -> None:
    assert page.post("/api/undo", content=b"{}", headers={"content-type": kind}).status_code == 415


BODIES = [
    b"",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b'{"node": 1}',
    b'{"node": "1", "x_um": 1, "y_um": 1}',
    b'{"node": 1, "x_um": NaN, "y_um": 1}',
    b'{"node": 1, "x_um": 1e999, "y_um": 1}',
    b'{"node": 1, "x_um": 1, "y_um": 1, "z": 1}',
    b'{"node": 1, "x_um": 1, "y_um": 1, "orient": 8}',
    b'{"node": true, "x_um": 1, "y_um": 1}',
    b'{"node":' + b"[" * 5000,
    b'{"node": 99999999999999999999999, "x_um": 1, "y_um": 1}',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_malformed_body_is_refused(page: Client, session: Session, body: bytes) -> None:
    answer = page.post("/api/propose", content=body)
    assert answer.status_code in (409, 422)
    assert answer.json()["error"]
    assert session.version == 0


MOVES = [
    {"node": [], "x_um": [], "y_um": []},
    {"node": [1, 1], "x_um": [1, 1], "y_um": [1, 1]},
    {"node": [1], "x_um": [1, 2], "y_um": [1]},
    {"node": [-1], "x_um": [1], "y_um": [1]},
    {"node": [0], "x_um": [1], "y_um": [1]},
    {"node": [3], "x_um": [1], "y_um": [1]},
    {"node": [1], "x_um": [1], "y_um": [1], "orient": []},
    {"node": [1], "x_um": [1], "y_um": [1], "orient": [4]},
]


@pytest.mark.parametrize("move", MOVES, ids=range(len(MOVES)))
def test_a_move_that_makes_no_sense_is_refused_and_changes_nothing(
    page: Client, session: Session, move: dict[str, object]
) -> None:
    assert page.post("/api/move", body=move).status_code in (409, 422)
    assert session.version == 0


QUERIES = [
    "/api/tile",
    "/api/tile?level=-1&column=0&row=0",
    "/api/tile?level=0&column=1&row=0",
    "/api/tile?level=99&column=0&row=0",
    "/api/tile?level=1e3&column=0&row=0",
    "/api/cells?x0=nan&y0=0&x1=1&y1=1",
    "/api/cells?x0=0",
    "/api/tile?level=0&column=0&row=0&frame=99",
    "/api/cells?x0=0&y0=0&x1=1&y1=1&frame=99",
    "/api/map?name=secret",
    "/api/map?name=density&frame=99",
    "/api/map?name=wire&frame=-1",
    "/api/map?name=heat",
    "/api/frame?frame=99",
    "/api/frame?frame=-1",
    "/api/about?node=99",
    "/api/about?node=",
    "/api/about?node=\u0661",
    "/api/about?node=999999999999999999",
    "/api/scene?" + "x" * 5000,
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_malformed_query_is_refused(page: Client, query: str) -> None:
    assert page.get(query).status_code in (400, 404, 409, 414)


def test_every_answer_binds_the_browser(page: Client, stranger: Client) -> None:
    for answer in (page.get("/"), page.get("/api/scene"), page.get("/no"), stranger.get("/static/app.js")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_the_page_names_no_other_host_and_holds_no_inline_script_or_style() -> None:
    folder = Path(__file__).resolve().parents[2] / "floorplan" / "view" / "static"
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "//cdn" not in text
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    assert html.count("<script") == html.count('<script type="module" src="/static/')


def test_web_sockets_are_refused(page: Client) -> None:
    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/api/events", "query_string": b"", "headers": []}
    asyncio.run(page.app(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_token_is_the_same_after_a_restart_and_another_for_another_path_port_or_key(tmp_path: Path) -> None:
    a = persistent_token(tmp_path / "run", 1, tmp_path / "key")
    assert a == persistent_token(tmp_path / "run", 1, tmp_path / "key")
    others = [
        persistent_token(tmp_path / "other", 1, tmp_path / "key"),
        persistent_token(tmp_path / "run", 2, tmp_path / "key"),
        persistent_token(tmp_path / "run", 1, tmp_path / "key2"),
    ]
    assert len({a, *others}) == 4
    assert len(a) == 64


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_key_is_its_owners_alone_and_is_renewed_when_it_is_old_or_was_open(tmp_path: Path) -> None:
    a = persistent_token(tmp_path, 1, tmp_path)
    key = tmp_path / "view.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    b = persistent_token(tmp_path, 1, tmp_path)
    os.utime(key, (1.0, 1.0))
    c = persistent_token(tmp_path, 1, tmp_path)
    assert len({a, b, c}) == 3


def test_without_a_place_for_the_key_the_token_is_random(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert persistent_token(tmp_path, 1, tmp_path / "file") != persistent_token(tmp_path, 1, tmp_path / "file")
