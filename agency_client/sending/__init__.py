"""Sending: what an officer wants to send, which agreements allow it, and the sealed messages made of it."""
