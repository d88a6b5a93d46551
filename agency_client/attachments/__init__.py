"""Attachments at the agency: files sealed for each message, uploaded, fetched, verified to the last byte, saved."""
