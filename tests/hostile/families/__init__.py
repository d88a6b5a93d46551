"""Every manipulation, a file for each family."""
