"""What a node counts of its own work, for Prometheus.

Figures are of the node as a whole: no label is a place, an object or a party
(docs/rules/R-10.md). Several workers add up through PROMETHEUS_MULTIPROC_DIR,
which must be set before this module is imported.
"""

from prometheus_client import Counter, Gauge, Histogram

COMMIT_ENTRIES = Histogram(
    "detente_commit_entries",
    "Entries of one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
COMMIT_SECONDS = Histogram(
    "detente_commit_seconds",
    "From taking the head of the record to the commit on disk.",
    buckets=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 5, 10),
)
COMMITS_FAILED = Counter("detente_commits_failed", "Transactions that the store did not take.")
QUEUE_COMMANDS = Gauge(
    "detente_queue_commands",
    "Commands that wait for the next transaction.",
    multiprocess_mode="livesum",
)
RECORD_ENTRIES = Gauge(
    "detente_record_entries",
    "Entries of the record, as far as it was followed.",
    multiprocess_mode="livemax",
)
PICTURE_ENTRIES = Gauge(
    "detente_picture_entries",
    "Entries that the least advanced worker's picture holds.",
    multiprocess_mode="livemin",
)
WITNESSED_ENTRIES = Gauge(
    "detente_witnessed_entries",
    "Entries under the newest checkpoint that enough witnesses cosigned.",
    multiprocess_mode="livemax",
)
WITNESS_ALARMS = Counter(
    "detente_witness_alarms",
    "Times that a witness or mirror said that it saw another history than this log tells.",
)
MIRRORED_ENTRIES = Gauge(
    "detente_mirrored_entries",
    "Entries that every mirror holds.",
    multiprocess_mode="livemax",
)
PICTURE_SEGMENTS = Gauge(
    "detente_picture_segments",
    "Segments that a worker's picture holds, at most.",
    multiprocess_mode="livemax",
)
QUARANTINED = Counter(
    "detente_quarantined",
    "What came from devices and was passed on to nobody, by the refusal's code.",
    ["code"],
)
COT_CONNECTIONS = Gauge(
    "detente_cot_connections",
    "Clients of Cursor on Target.",
    multiprocess_mode="livesum",
)
COT_CUT_OFF = Counter(
    "detente_cot_cut_off", "Clients of Cursor on Target that took nothing and were cut off."
)
FEED_POSITIONS = Counter("detente_feed_positions", "Positions that feeds told and that were taken.")
FEED_DOUBTED = Counter("detente_feed_doubted", "Of these, positions that are doubted.")
FEED_REFUSED = Counter("detente_feed_refused", "Messages of feeds that could not be read.")
FEEDS_SILENT = Gauge(
    "detente_feeds_silent",
    "Feeds of which no position came for longer than they may be silent.",
    multiprocess_mode="livemax",
)
WATCH_TRACKS = Gauge(
    "detente_watch_tracks", "Tracks that the watch looks at.", multiprocess_mode="livemax"
)
WATCH_ALERTS = Gauge("detente_watch_alerts", "Alerts that stand.", multiprocess_mode="livemax")
WATCH_SECONDS = Histogram(
    "detente_watch_seconds",
    "One look of all tracks at all that protects.",
    buckets=(0.001, 0.004, 0.016, 0.064, 0.25, 0.5, 1, 2, 5),
)
