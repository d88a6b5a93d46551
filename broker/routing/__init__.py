"""Messages come in here: one pure decision, and the one commit that makes an acceptance true."""
