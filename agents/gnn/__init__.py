"""Policy networks: an edge-based graph encoder, a size-free grid head, and AlphaChip's network as a baseline."""
