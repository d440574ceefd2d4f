"""TAXII 2.1, the node's side of it: which collections there are, and what is in them since when.

The pieces: collections (whose there are), feed (since when each reader may see each STIX
report), shelf (the part of it that one collection shows one reader), pages (cut, and as the
door gives them), adding (what comes in).
"""
