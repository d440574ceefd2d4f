"""Values and rules: no I/O, no clock, no randomness; `now` is an argument (docs/adr/0001)."""
