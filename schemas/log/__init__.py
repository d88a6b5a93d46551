"""The transparency log's formats and arithmetic: tree, leaves, checkpoints, proofs. No storage, no keys, no clock."""
