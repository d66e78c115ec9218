"""Places for a ledger's records: files, SQLite, LEAN's Object Store, memory."""

from protection.blockchain.stores.base import Dropped, LedgerStore, Opened
from protection.blockchain.stores.file import FileStore

__all__ = ["Dropped", "FileStore", "LedgerStore", "Opened"]
