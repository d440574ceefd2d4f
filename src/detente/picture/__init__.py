"""The current state in memory: sorted arrays and compiled kernels, one query."""
