"""The record and the current objects, in one transaction."""

from detente.store.access import AccessStore, Account, Client, Session
from detente.store.append import Appended, Appender, Gathered
from detente.store.beside import Charge, Remembered
from detente.store.place import Place, name_of, parse_place
from detente.store.record import Content, GatheredRow, Name, Record, Said, Stored, Uttered
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
    "EntryRow",
    "Gathered",
    "GatheredRow",
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
