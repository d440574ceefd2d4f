"""Doors parse at the edge, call one verb, and format the answer."""
