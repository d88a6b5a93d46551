"""Reading what was received: lists, threads and one message, each reading on record."""
