"""Public netlists by name: a catalogue of where they stand and what they must be, and safe ways to get them."""

from floorplan.fetch.catalog import (
    EVERYTHING,
    Catalog,
    CatalogDesign,
    CatalogFile,
    Suite,
    read_catalog,
    shipped_catalog,
)
from floorplan.fetch.errors import CatalogError, FetchError, MismatchError, UnsafeArchiveError
from floorplan.fetch.folders import data_folder
from floorplan.fetch.sources import SourceError, mirror_from_environment
from floorplan.fetch.store import FetchedDesign, Reporter, fetch_design, fetched_netlist, kept_bytes
from floorplan.fetch.transport import Limits

__all__ = [
    "EVERYTHING",
    "Catalog",
    "CatalogDesign",
    "CatalogError",
    "CatalogFile",
    "FetchError",
    "FetchedDesign",
    "Limits",
    "MismatchError",
    "Reporter",
    "SourceError",
    "Suite",
    "UnsafeArchiveError",
    "data_folder",
    "fetch_design",
    "fetched_netlist",
    "kept_bytes",
    "mirror_from_environment",
    "read_catalog",
    "shipped_catalog",
]
