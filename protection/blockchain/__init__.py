"""Evidence: what the system knew, what it decided, and proof that nobody changed the record.

The rooms: ``canonical`` (one text for one value), ``merkle`` (the tree and its proofs),
``ledger`` (append, prove, verify), ``stores`` (files, SQLite, LEAN's Object Store),
``checkpoint`` and ``keys`` (signed heads), ``privacy`` (commitments, redaction), ``audit``
(:class:`~protection.blockchain.audit.BlockchainAudit`), ``trail`` and ``replay`` (the system's
inputs and decisions as entries, and back), ``verifier`` (one file, standard library only),
``export``.

Record vocabulary
-----------------
A *record* is a numbered entry: ``{"entry": {...}, "seq": 12}`` in canonical JSON; its hash is the
Merkle leaf hash of exactly these bytes. An *entry* is a flat mapping with

- ``type``: one of the words below, or any other word for entries of users;
- ``time``: when, as UTC text ``2020-01-06T21:00:00.000000Z`` (the decision clock);
- ``actor``: who, on every action of a person.

Inputs of the system, each with the answer it was given (``protection.blockchain.trail``); one
record a call, in the order in which the calls were judged:

=============  =================================================================================
``start``      a system was made: ``version``, ``settings`` (flat texts), ``state`` and ``lock``
               (stored texts it began with, each with its journal, or null), ``private`` (no
               store was given), ``snapshot`` (of ``ProtectionSystem.restore``, or null)
``observe``    ``kind`` bar | quote | trade, ``record`` (the fields of the record by name),
               ``accepted``, ``reason``, ``warm_up`` (true: history before the account was live)
``evaluate``   ``portfolio``, ``verdict``
``review``     ``targets``, ``prices`` or null, ``portfolio``, ``result``
``order``      ``order_id``, ``symbol``, ``quantity``, ``kind``, ``update``, ``allowed``,
               ``state`` (name of the Action), ``reason``, ``cancel``, ``request`` (its other
               fields), ``portfolio``, ``verdict`` (the rest of it); ``again`` true for a second
               answer to one call, which replaces the first (it was allowed, but the kill or a
               failing ledger came between)
``order_event``  ``event`` (fields of OrderEvent)
``fill``       ``fill`` (fields of Fill)
``settle``     ``portfolio``, ``gone`` (ids forgotten)
``broker``     ``event`` (fields of BrokerEvent)
``cash_flow``  ``flow`` (fields of CashFlow)
``kill`` ``resume``   ``actor``, ``reason``, ``flatten``
``lock``       the kill lock changed outside the system: ``text`` of the lock
``rearm``      ``actor``, ``reason``, ``breaker``, ``found``
=============  =================================================================================

``portfolio`` is the snapshot's fields (``time``, ``equity``, ``cash``, ``session``,
``positions``: ``{symbol: [quantity, average_price, price, multiplier]}``, ``open_orders``:
``[[order_id, symbol, quantity, kind, price, multiplier, group]]``); null means the very snapshot
of the last record that held one; ``positions`` null means the positions of the last one.
Fields of records and verdicts that hold their default are left out.
``verdict`` is ``state``, ``scope``, ``reason``, ``until``, ``multiplier``, ``allowed``,
``max_quantity``, ``cancel``, ``reasons`` (``[[guard, action, text, until]]``), ``evidence`` and
``by_symbol`` (names of the symbols that stand worse, with their state).

What the system says of itself:

=============  =================================================================================
``protection``  a guard changed: ``breaker``, ``scope``, ``before``, ``after``, ``reason``,
               ``evidence`` (it stands before the record of the call that caused it)
``gap``        ``missed``: entries that could not be recorded before this one, ``reason``
=============  =================================================================================

What the ledger says of itself:

=============  =================================================================================
``recovery``   an unacknowledged tail was cut off at start: ``bytes``, ``sha256``, ``kept`` (file)
``tombstone``  a correction: ``target`` (seq), ``target_hash``, ``actor``, ``reason``,
               ``replacement`` (seq or null); the original stays
``key``        the signing key changed: ``name``, ``public``, ``previous``, ``actor``, ``reason``
=============  =================================================================================

Floats that are no numbers are written as ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` in entries of
the system (``float()`` reads them back).

Reading::

    from protection.blockchain.ledger import open_reader

    with open_reader("audit") as ledger:          # a folder or a .sqlite file; takes no lock
        for record in ledger.records(types={"order", "protection"}):
            record.seq, record.type, record.time, record.actor, record.entry, record.hash
        ledger.size, ledger.root(), ledger.record(12), ledger.prove(12), ledger.find(hash)
"""
