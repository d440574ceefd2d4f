"""The record and the current objects, in one transaction."""

from detente.store.access import AccessStore, Account, Client, Session
from detente.store.append import Appended, Appender
from detente.store.beside import Charge, Remembered
from detente.store.place import Place, name_of, parse_place
from detente.store.record import Content, Record, Stored
from detente.store.store import Store

__all__ = [
    "AccessStore",
    "Account",
    "Appended",
    "Appender",
    "Charge",
    "Client",
    "Content",
    "Place",
    "Record",
    "Remembered",
    "Session",
    "Store",
    "Stored",
    "name_of",
    "parse_place",
]
