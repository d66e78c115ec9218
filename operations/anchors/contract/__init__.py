"""The Vyper contract and what its compiler made of it (``tools/compile_contract.py``)."""
