"""Where a listed file can be had: the hosting site, or the one mirror that the user names instead."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlsplit

from floorplan.errors import FloorplanError
from floorplan.fetch.catalog import CatalogFile

__all__ = ["MIRROR_VARIABLE", "SourceError", "mirror_from_environment", "urls_of"]

MIRROR_VARIABLE = "FLOORPLAN_MIRROR"
"""Environment variable that names the mirror: http(s)://host/path, file:///path or a folder."""

_RAW = "https://raw.githubusercontent.com"
_LFS = "https://media.githubusercontent.com/media"
"""Answers with the file where the other has the pointer of git-LFS that stands for it."""


class SourceError(FloorplanError):
    """The mirror's address cannot be used."""


def mirror_from_environment() -> str | None:
    """Return the base address of `$FLOORPLAN_MIRROR`, None where the variable is unset or empty.

    Raises:
        SourceError: it is neither an http(s) or file address nor an absolute path.
    """
    given = os.environ.get(MIRROR_VARIABLE, "").strip()
    if not given:
        return None
    if Path(given).is_absolute():
        return Path(given).as_uri().rstrip("/")
    try:
        parts = urlsplit(given)
    except ValueError:
        raise SourceError(f"{MIRROR_VARIABLE} is no address ({given!r})") from None
    if parts.scheme not in ("http", "https", "file") or not (parts.netloc or parts.scheme == "file"):
        raise SourceError(f"{MIRROR_VARIABLE} is no http, https or file address and no absolute path")
    if parts.username is not None or parts.password is not None or "?" in given or "#" in given:
        # an address is printed in messages, where a password has no place
        raise SourceError(f"{MIRROR_VARIABLE} may hold neither a user, a password, a query nor a fragment")
    return given.rstrip("/")


def urls_of(file: CatalogFile, mirror: str | None = None) -> tuple[str, ...]:
    """Return the addresses to try in turn; with a mirror, that one only.

    A mirror has the layout of the hosting site: BASE/owner/name/commit/path.
    """
    tail = quote(f"{file.repository}/{file.commit}/{file.path}")
    return (f"{mirror}/{tail}",) if mirror is not None else (f"{_RAW}/{tail}", f"{_LFS}/{tail}")
