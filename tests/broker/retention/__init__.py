"""The end of what the exchange keeps."""
