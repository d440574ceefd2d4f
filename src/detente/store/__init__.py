"""The record and the current objects, in one transaction."""

from detente.store.record import Appended, Appender, Content, Record, Store, Stored

__all__ = ["Appended", "Appender", "Content", "Record", "Store", "Stored"]
