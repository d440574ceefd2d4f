"""OGC API - Features and vector tiles, under ``/ogc``: the picture, for GIS and maps.

::

    asking     out of a query: where, when, how many, in which system, by which filter
    formats    which form of an answer is wanted; GeoJSON, and pages for people
    metadata   what stands there whoever asks: landing page, conformance, collections
    tiles      a tile of the picture, clusters where there is too much of it
    mvt        Mapbox Vector Tile 2.1, written
    routes     each request to its answer; what was shown is on record before
    describing the same, as OpenAPI

Reading only. What is unknown, malformed or given twice is refused by its name.

Source: OGC 17-069r4 (Part 1: Core), 18-058r1 (Part 2: CRS), 19-079r2 (Part 3: Filtering),
20-057 (OGC API - Tiles); docs/adr/0024.
"""
