"""Durable places for state: files, SQLite, memory, LEAN's Object Store."""

from protection.contracts.stores.base import StateStore, check_key, pack, unpack
from protection.contracts.stores.file import FileStateStore
from protection.contracts.stores.filesystem import DiskFileSystem, FileSystem
from protection.contracts.stores.memory import MemoryStateStore
from protection.contracts.stores.object_store import ObjectStateStore, ObjectStoreLike
from protection.contracts.stores.vault import StateVault

__all__ = [
    "DiskFileSystem",
    "FileStateStore",
    "FileSystem",
    "MemoryStateStore",
    "ObjectStateStore",
    "ObjectStoreLike",
    "StateStore",
    "StateVault",
    "check_key",
    "pack",
    "unpack",
]
