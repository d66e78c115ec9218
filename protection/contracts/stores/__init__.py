"""Durable places for state: files, SQLite, memory, LEAN's Object Store."""

from protection.contracts.stores.base import StateStore, check_key, pack, pack_damaged, unpack
from protection.contracts.stores.chunks import ChunkedStateStore
from protection.contracts.stores.file import FileStateStore
from protection.contracts.stores.filesystem import DiskFileSystem, FileSystem
from protection.contracts.stores.journal import StateJournal
from protection.contracts.stores.logs import ForeignWrite, FullLog, StateLog, log_of
from protection.contracts.stores.memory import MemoryStateStore
from protection.contracts.stores.object_store import ObjectStateStore, ObjectStoreLike
from protection.contracts.stores.vault import StateVault

__all__ = [
    "ChunkedStateStore",
    "DiskFileSystem",
    "FileStateStore",
    "FileSystem",
    "ForeignWrite",
    "FullLog",
    "MemoryStateStore",
    "ObjectStateStore",
    "ObjectStoreLike",
    "StateJournal",
    "StateLog",
    "StateStore",
    "StateVault",
    "check_key",
    "log_of",
    "pack",
    "pack_damaged",
    "unpack",
]
