"""Step 17: what a notice is about in its author's own words; messages by what they follow up.

`about` is the digest that the author's own notice refers to: the message itself, or, of a copy that went on by a
consent, the consent that its author took back. It is empty where it is the message and nothing else.
"""

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE aftercare_notice ADD COLUMN about TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX inbox_by_reference ON inbox_message (refers_to, kind) WHERE refers_to IS NOT NULL",
    "CREATE INDEX sent_by_reference ON sent_message (refers_to, kind) WHERE refers_to IS NOT NULL",
    "CREATE INDEX onward_by_consent ON onward_copy (consent_digest) WHERE consent_digest IS NOT NULL",
)
