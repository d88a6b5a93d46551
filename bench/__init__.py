"""The benchmark of the broker's accept path: what a durable accept costs, beside the floor it cannot go below."""
