"""The members of the exchange and their keys, as the log's public records say."""
