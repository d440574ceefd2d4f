"""Cursor on Target: what TAK clients say of their own units, and what is shown to them.

Source: MITRE, Cursor on Target Message Router User's Guide (2009) and its event schema 2.0;
TAK protocol version 1 (ATAK-CIV, commoncommo ``protocol.txt``); docs/adr/0026.
"""
