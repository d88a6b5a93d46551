"""What waits for a member: leased, judged again at hand-over, acknowledged, held, returned, expired."""
