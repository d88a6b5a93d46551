"""Identifiers of documents, persons and things: read, checked and explained, never refused for failing a check."""
