"""What the exchange keeps of messages and receipts ends: when, and what of the log stays for ever."""
