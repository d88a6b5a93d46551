"""Who the members are, as this node read it in the log and verified it; whom to trust was pinned by hand."""
