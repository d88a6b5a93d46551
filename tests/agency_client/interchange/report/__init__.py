"""Tests of the report of an alert."""
