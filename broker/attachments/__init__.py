"""Attachments at the exchange: ciphertexts that come before their message, are read by its recipients, and end."""
