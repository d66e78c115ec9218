"""Checks of single orders and of their flow, in the order gate's fixed sequence."""
