"""Epochs: what this node does when the exchange had to begin a new log, and how leaves of several logs are ordered."""
