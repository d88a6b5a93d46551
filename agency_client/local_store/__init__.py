"""The node's own encrypted store (SQLCipher): one file a feature, each function taking a transaction of `engine`.

Functions that change something take a `Transaction`, functions that only read take a `Snapshot`; a type checker
therefore sees when a change would stand outside a transaction. Nothing here talks to the broker, reads a clock or makes
randomness.
"""
