"""What others' tools read and write: STIX 2.1, MISP, tables, pages to print. Only at the agency, after decryption."""
