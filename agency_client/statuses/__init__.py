"""Statuses: what this node signs for its partners, and what theirs say."""
