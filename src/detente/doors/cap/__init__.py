"""CAP 1.2 at /v1/cap: alerts of what may be seen, signed, and an Atom feed of them.

Source: CAP 1.2 (OASIS Standard, 1 July 2010); docs/cap.md; docs/adr/0029.
"""
