"""Anchors: heads of the audit ledger kept where whoever holds the ledger cannot change them.

A second folder or a witness file on another machine (``witness``), a time-stamping authority by
RFC 3161 (``timestamp``), a contract on an Ethereum chain (``ethereum``). All are off unless the
file given to ``protect audit anchor`` names them. That command is a process of its own: it reads
the signed heads beside the records and never touches the trading process; what cannot be published
now stays in its queue (``queue``).
"""
