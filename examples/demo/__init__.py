"""The demonstration: an exchange and four members as real processes, from the first key to the audit, told as a story.

Run it with `make demo` or `python -m examples.demo`. It proves nothing by itself that the tests do not; it shows it.
"""
