"""Challenges of revocations and other reports about documents: lodged, received, answered, shown wherever one is."""
