"""Tests of `keys`, one module for each of its modules."""
