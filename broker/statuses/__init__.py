"""Statuses that nodes sign for their partners, and the heads of the agencies' own access logs."""
