"""The record and the current objects, in one transaction."""

from detente.store.access import AccessStore, Account, Client, Session
from detente.store.append import Appended, Appender, Drawn
from detente.store.beside import Charge, Remembered
from detente.store.place import Place, name_of, parse_place
from detente.store.record import Content, DrawnRow, Name, Record, Said, Stored, Uttered
from detente.store.repair import ObjectRow, Repairer
from detente.store.store import Store
from detente.store.telling import AcknowledgedRow, Cursor, EntryRow, Owed, SubscriptionRow, Told

__all__ = [
    "AccessStore",
    "Account",
    "AcknowledgedRow",
    "Appended",
    "Appender",
    "Charge",
    "Client",
    "Content",
    "Cursor",
    "Drawn",
    "DrawnRow",
    "EntryRow",
    "Name",
    "ObjectRow",
    "Owed",
    "Place",
    "Record",
    "Remembered",
    "Repairer",
    "Said",
    "Session",
    "Store",
    "Stored",
    "SubscriptionRow",
    "Told",
    "Uttered",
    "name_of",
    "parse_place",
]
