"""The native door: health, documentation, and the verbs under /v1."""
