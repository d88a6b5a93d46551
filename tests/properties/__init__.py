"""Lifecycles against small models: what must hold in any order of events."""
