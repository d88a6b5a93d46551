"""Who calls: the token endpoint, and the caller behind a certificate and a token."""
