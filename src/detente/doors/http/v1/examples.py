"""Bodies that the documentation shows; each is decoded in a test."""

from typing import Any

_HOSPITAL_PLACE = [{"footprint": [{"type": "circle", "centre": [362_765_000, 335_138_000],
                                   "radius_mm": 150_000}]}]  # fmt: skip
_LEG = {
    "footprint": [
        {
            "type": "corridor",
            "line": [[362_765_000, 335_138_000], [363_100_000, 335_400_000]],
            "width_mm": 400_000,
        }
    ],
    "start": "2030-05-01T06:00:00Z",
    "end": "2030-05-01T09:30:00Z",
}
_FLIGHT = {
    "footprint": [{"type": "circle", "centre": [363_000_000, 335_000_000], "radius_mm": 2_000_000}],
    "lower_mm": 500_000,
    "upper_mm": 900_000,
    "start": "2030-05-01T08:00:00Z",
    "end": "2030-05-01T08:45:00Z",
}
_ID = "0123456789abcdef0123456789abcdef"
_TOKEN = "EElp8bjjM2ILfcreuCZXqLlXdHAtLTBH5tYayquDo34"  # noqa: S105 - of a version, and no secret

BODIES: dict[str, dict[str, Any]] = {
    "notify": {
        "source_id": "hospital-17",
        "name": "District hospital",
        "category": "medical",
        "volumes": _HOSPITAL_PLACE,
        "standoff_mm": 500_000,
        "release": {"members": "full"},
    },
    "notifyMovement": {
        "source_id": "convoy-4",
        "name": "Relief convoy",
        "category": "humanitarian",
        "volumes": [_LEG],
        "release": {"members": "area", "grid_mm": 10_000_000},
    },
    "tellPresence": {
        "source_id": "team-2",
        "name": "Survey team",
        "track": {
            "position": [363_000_000, 335_000_000],
            "time": "2030-05-01T07:59:00Z",
            "speed_max_mm_s": 2_000,
        },
    },
    "declareZone": {
        "source_id": "corridor-north",
        "name": "Corridor north",
        "rule": "coordinate_first",
        "volumes": _HOSPITAL_PLACE,
        "release": {"members": "full"},
    },
    "report": {
        "source_id": "sitrep-9",
        "title": "Bridge closed",
        "text": "The bridge carries no vehicles above 3.5 t.",
        "release": {"members": "full"},
    },
    "readBack": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": None,
                "properties": {
                    "name": "Field hospital",
                    "category": "medical",
                    "position": "36 43 4.9 N 68 51 44 E",
                    "radius_m": 150,
                },
            }
        ],
    },
    "measure": {"line": [[362_765_000, 335_138_000], [363_100_000, 335_400_000]]},
    "giveBundle": {
        "bundle": {
            "type": "bundle",
            "objects": [
                {
                    "type": "location",
                    "spec_version": "2.1",
                    "id": "location--a6e9345f-5a15-4c29-8bb3-7dcc5d168d64",
                    "created": "2026-11-24T12:00:00.000Z",
                    "modified": "2026-11-24T12:00:00.000Z",
                    "name": "Bridge at the mill",
                    "latitude": 48.8566,
                    "longitude": 2.3522,
                }
            ],
        },
        "release": {"members": "full"},
        "reliability": "b",
    },
    "objectTo": {"source_id": "objection-1", "object": _ID, "text": "It crosses our corridor."},
    "answerObjection": {"source_id": "answer-1", "objection": _ID, "text": "Moved to 10:00."},
    "acknowledge": {
        "source_id": "ack-1",
        "entry": "ab" * 32,
        "level": "passed_on",
        "to": "Duty crew",
    },
    "openIncident": {
        "source_id": "call-1",
        "code": "stop_hitting_protected",
        "volumes": [
            {
                "footprint": [
                    {"type": "circle", "centre": [362_765_000, 335_138_000], "radius_mm": 200_000}
                ]
            }
        ],
        "words": "Two impacts within ten minutes at the north wing.",
        "language": "en",
    },
    "takeStep": {
        "source_id": "step-1",
        "incident": _ID,
        "act": "acknowledged",
        "text": "Aircraft told to hold.",
    },
    "requestRelease": {"source_id": "request-1", "object": _ID, "to": "relief-fleet"},
    "decideRelease": {"source_id": "decision-1", "request": _ID, "granted": True, "grade": "area"},
    "filePlan": {
        "plan": {"source_id": "flight-12", "volumes": [_FLIGHT], "state": "accepted"},
        "key": [_TOKEN],
    },
    "eraseObject": {"order": "District court, file 12/34: data protection"},
    "changeObject": {
        "value": {
            "type": "plan",
            "source_id": "flight-12",
            "volumes": [_FLIGHT],
            "state": "activated",
        },
        "key": [_TOKEN],
    },
    "check": {"plan": {"source_id": "flight-12", "volumes": [_FLIGHT]}, "separation_mm": 500_000},
    "admitParty": {
        "id": "relief-fleet",
        "name": "Relief fleet",
        "desks": [{"id": "duty", "name": "Duty desk", "contacts": ["+000 000 000"]}],
    },
    "putAgreement": {
        "name": "Coordination of relief flights",
        "separations": {"medical": {"horizontal_mm": 500_000}},
        "lead_times_s": {"humanitarian": 86_400},
    },
}
