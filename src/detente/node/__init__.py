"""The verbs: load, decide in core, store and append to the record, answer."""
