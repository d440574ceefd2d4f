"""MISP: a static feed of indicators, locations and sightings at /misp/, and events in.

Source: MISP core format (draft-dulaunoy-misp-core-format); docs/misp.md.
"""
