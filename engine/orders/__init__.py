"""Orders: kinds, tickets, requests, fill models, the transaction manager and handler, the order
hash.
"""
