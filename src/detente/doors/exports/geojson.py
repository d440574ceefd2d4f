"""GeoJSON: a feature a volume, drawn so that it holds the volume.

Source: RFC 7946; its section 6.1 for the member ``detente``, what the export says of itself.
"""

import msgspec
import shapely

from detente.doors.exports.rows import drawn_rows, header_of, json_properties
from detente.node.exporting import Export


def write(found: Export) -> bytes:
    """A FeatureCollection."""
    features = [
        {
            "type": "Feature",
            "id": row.said["id"],
            "geometry": msgspec.Raw(shapely.to_geojson(row.geometry).encode()),
            "properties": json_properties(row),
        }
        for row in drawn_rows(found)
    ]
    return msgspec.json.encode(
        {
            "type": "FeatureCollection",
            "detente": {
                **header_of(found),
                "within": found.within or None,
                "objects": len(found.items),
            },
            "features": features,
        }
    )
