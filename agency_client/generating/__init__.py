"""Synthetic alerts for exercises, demonstrations and measurements: published specimens and reserved ranges only."""
