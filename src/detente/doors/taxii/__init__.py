"""TAXII 2.1 at /taxii2/: reports that hold STIX objects, for clients that know nothing of us.

Source: TAXII 2.1 (OASIS Standard, 10 June 2021); docs/taxii.md.
"""
