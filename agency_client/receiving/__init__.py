"""What comes in: leased, stored, verified in numbered steps, opened. The broker's word alone never suffices."""
