"""Rounds with the exchange: all that a node does by itself, once or for ever."""
