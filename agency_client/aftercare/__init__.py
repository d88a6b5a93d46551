"""Aftercare: what a notice about an earlier message does here, how it goes on to who got a copy, and who has acted."""
