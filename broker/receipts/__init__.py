"""Sealed receipts on their way back to who sent the messages; the broker reads none of them."""
