"""The exchange: admits, decides, stores and hands over sealed envelopes, logs every step, and can read none of them."""
