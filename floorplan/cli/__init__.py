"""The `floorplan` command: one module a verb, imported light and run lazily."""
