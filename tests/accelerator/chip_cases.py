"""Small settings of every chip template."""

from __future__ import annotations

SMALL: dict[str, dict[str, object]] = {
    "systolic_chip": {"matrix_units": 4, "vector_banks": 2, "common_banks": 8, "memory_phys": 2, "links": 2},
    "gpu_tile": {"tiles": 8, "l2_slices": 8, "mesh_rows": 2, "memory_phys": 2, "links": 4},
    "sram_first": {"lane_groups": 2, "slices": 6, "links": 4},
    "prefill_chip": {"clusters": 8, "buffer_banks": 4, "mesh_rows": 2, "mesh_columns": 2, "memory_phys": 4, "links": 2},
    "decode_chip": {"engines": 8, "mesh_rows": 2, "kv_banks": 2, "memory_phys": 2, "links": 3},
    "chiplet": {"engines": 8, "shared_banks": 8, "mesh_rows": 2, "memory_phys": 1, "twin_phys": 3, "io_phys": 2},
}
for _settings in SMALL.values():
    _settings["control_clusters"] = 4
