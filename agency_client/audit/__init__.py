"""What an auditor sees: the exchange's records and the agency's own access log, each proven, together, and offline."""
