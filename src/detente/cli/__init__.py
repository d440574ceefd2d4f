"""The command line: each command parses, calls one verb, and formats the answer."""
