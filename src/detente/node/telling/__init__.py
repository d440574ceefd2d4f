"""Telling: who is told of what, how it reaches them, and who stays silent."""
