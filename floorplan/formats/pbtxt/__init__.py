"""Protobuf-text netlists, flat and clustered."""
