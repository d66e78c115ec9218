"""Places for a ledger's records: files, SQLite, LEAN's Object Store, memory."""

from protection.blockchain.stores.base import Dropped, LedgerStore, Opened
from protection.blockchain.stores.file import FileStore
from protection.blockchain.stores.memory import MemoryStore
from protection.blockchain.stores.object_store import ObjectLedgerStore
from protection.blockchain.stores.sqlite import SqliteStore

__all__ = [
    "Dropped",
    "FileStore",
    "LedgerStore",
    "MemoryStore",
    "ObjectLedgerStore",
    "Opened",
    "SqliteStore",
]
