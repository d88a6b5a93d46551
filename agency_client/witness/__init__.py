"""This node as a witness of the log: every checkpoint is compared with the newest it saw, and every leaf is read."""
