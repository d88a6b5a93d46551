"""Which command leaves which entry in the access log (Directive (EU) 2016/680, article 25).

A command stands in exactly one of the two lists; a test runs each that touches personal data and demands its entries.
What `agency sync` does by itself is recorded as it happens: received, relayed, acted on, erased.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.log.records import Action


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry: its verb and what the auditor files it under."""

    verb: str
    action: Action


_RELEASE = (Logged("release", Action.CONSULTATION), Logged("send", Action.DISCLOSURE))
_ANSWER = (Logged("answer", Action.CONSULTATION), Logged("send", Action.DISCLOSURE))

LOGGED_VERBS: Mapping[str, tuple[Logged, ...]] = {
    "ack": _ANSWER,
    "attachments fetch": (Logged("fetch-attachments", Action.CONSULTATION),),
    "attachments list": (Logged("list-attachments", Action.CONSULTATION),),
    "attachments save": (Logged("save-attachments", Action.CONSULTATION),),
    "audit export": (Logged("audit-export", Action.CONSULTATION),),
    "audit list": (Logged("audit-own", Action.CONSULTATION),),
    "audit show": (Logged("audit-show", Action.CONSULTATION),),
    "audit transfers": (Logged("audit-transfers", Action.CONSULTATION),),
    "backup": (Logged("backup", Action.OPERATOR),),
    "breach": _ANSWER,
    "challenge answer": _ANSWER,
    "challenge list": (Logged("list-challenges", Action.CONSULTATION),),
    "challenge lodge": _ANSWER,
    "correct": _ANSWER,
    "erase": (Logged("erase", Action.ERASURE),),
    "export": (Logged("export", Action.CONSULTATION),),
    "import": (Logged("import", Action.COLLECTION),),
    "inbox": (Logged("list-inbox", Action.CONSULTATION),),
    "misused-identity": _ANSWER,
    "outbox": (Logged("list-outbox", Action.CONSULTATION),),
    "outcome": _ANSWER,
    "pass-on": (Logged("pass-on", Action.CONSULTATION),),
    "read": (Logged("read", Action.CONSULTATION),),
    "refuse": _ANSWER,
    "release grant": _RELEASE,
    "release refuse": _RELEASE,
    "release request": _RELEASE,
    "reply": _ANSWER,
    "restore": (Logged("restore", Action.OPERATOR),),
    "restrict": _ANSWER,
    "retention repeat": (Logged("repeat-erasure", Action.ERASURE),),
    "retention run": (Logged("retention", Action.ERASURE),),
    "search": (Logged("search", Action.CONSULTATION),),
    "safeguarding about": (Logged("safeguarding-about", Action.COMBINATION),),
    "safeguarding inbox": (Logged("list-safeguarding", Action.CONSULTATION),),
    "send": (Logged("send", Action.DISCLOSURE),),
    "sent": (Logged("list-sent", Action.CONSULTATION),),
    "status": (Logged("list-status", Action.CONSULTATION),),
    "subject report": (Logged("subject-report", Action.COMBINATION),),
    "thread": (Logged("list-thread", Action.CONSULTATION),),
    "verify": (Logged("verify", Action.CONSULTATION),),
    "withdraw": _ANSWER,
}
"""Commands that touch personal data, and the entries each leaves. What comes of it may leave more: an export that was
written is a disclosure, a copy that was passed on too."""

NO_PERSONAL_DATA = frozenset(
    {
        "aftercare",
        "agreement accept",
        "agreement confirm",
        "agreement counter",
        "agreement diff",
        "agreement export",
        "agreement history",
        "agreement import",
        "agreement list",
        "agreement page",
        "agreement propose",
        "agreement reject",
        "agreement resume",
        "agreement revoke",
        "agreement show",
        "agreement suspend",
        "agreement withdraw",
        "agreements",
        "approval refuse",
        "approvals",
        "audit evidence",
        "audit verify",
        "ceremony change",
        "ceremony passphrase",
        "ceremony retype",
        "ceremony roots",
        "ceremony sheet",
        "ceremony show",
        "ceremony sign",
        "completion",
        "doctor",
        "exchange accept",
        "exchange show",
        "generate",
        "init",
        "keys install",
        "keys list",
        "keys publish",
        "keys request",
        "keys revoke",
        "keys rotate-encryption",
        "lock",
        "partner export",
        "partner import",
        "partner list",
        "partner show",
        "partners",
        "ping",
        "profile list",
        "profile passphrase",
        "profile show",
        "release list",
        "retention list",
        "retention log",
        "safeguarding add",
        "safeguarding confirm",
        "safeguarding found",
        "safeguarding lock",
        "safeguarding officers",
        "safeguarding pseudonym",
        "safeguarding remove",
        "safeguarding unlock",
        "sync",
        "trust checkpoint",
        "trust compare",
        "trust contradictions",
        "trust evidence",
        "trust list",
        "trust pin",
        "trust settle",
        "trust show",
        "unlock",
        "whoami",
    }
)
"""Commands that show and change none: keys, agreements, parties and states of messages, the program's own."""
