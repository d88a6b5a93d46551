"""What is kept here ends: which part of what, when, by whose hand, and what stays as its proof."""
