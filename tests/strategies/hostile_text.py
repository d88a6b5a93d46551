"""Text made to hurt whoever shows, logs, stores or evaluates it. Each says `MARK`, so that a test can find it."""

MARK = "ERIKSSON-7"
FORGED = "error: forged"
"""How a line begins that some of these texts try to smuggle in as one of ours."""

_CONTROLS = {
    "a colour": f"\x1b[31m{MARK}\x1b[0m",
    "a cleared screen": f"\x1b[2J\x1b[H{MARK}",
    "a title": f"\x1b]0;{MARK}\x07",
    "a link": f"\x1b]8;;file:///etc/passwd\x1b\\{MARK}\x1b]8;;\x1b\\",
    "a clipboard": f"\x1b]52;c;cm0gLXJmIH4=\x07{MARK}",
    "an answer-back": f"\x1b[c\x1b[6n\x05{MARK}",
    "a device control string": f"\x1bP$q{MARK}\x1b\\",
    "a one-byte sequence": f"\x9b31m{MARK}\x9c",
    "a carriage return": f"{MARK}\r{FORGED}",
    "a backspace": f"{MARK}\b\b\b{FORGED}",
    "a bell and a delete": f"{MARK}\x07\x7f",
    "a forged line": f"{MARK}\n{FORGED}",
    "a forged line after a form feed": f"{MARK}\x0c\x0b{FORGED}",
    "a forged line by a next-line": f"{MARK}\x85{FORGED}",
    "a forged line by separators": f"{MARK}\u2028{FORGED}\u2029{FORGED}",
    "a forged log line": f'{MARK}\n{{"event":"forged","level":"error"}}',
    "a zero byte": f"{MARK}\x00hidden",
}
"""Text with control characters: a single line takes none of these, and a paragraph only its line breaks."""

PRINTABLE = {
    "an override from right to left": f"{MARK}\u202egnp.exe\u202c",
    "embeddings and isolates": f"\u202a\u202b\u2066\u2067\u2068{MARK}\u2069\u061c\u200e\u200f",
    "nothing to be seen": f"{MARK}\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e",
    "fillers": f"\u115f\u1160\u3164\uffa0\u2800{MARK}",
    "tags": f"{MARK}\U000e0041\U000e0042\U000e007f",
    "variation selectors": f"{MARK}\ufe00\ufe0f\U000e0100",
    "letters that look alike": f"\u0410\u0415 {MARK} \u2160\u2170",
    "a flood of marks": MARK + "\u0301" * 60,
    "overlays": f"{MARK}\u0336\u0338\u20dd",
    "marks at the start": f"\u0301\u0300{MARK}",
    "a family": f"{MARK} \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "noncharacters": f"{MARK}\ufffe\uffff\U0010ffff",
    "private use": f"{MARK}\ue000\U000f0000",
    "a long word": MARK + "a" * 60,
    "a formula": f"=cmd|' /C calc'!A0 {MARK}",
    "formulas": f"@SUM(1+1)*{MARK}",
    "a script": f"<script>alert('{MARK}')</script>",
    "markup of a terminal library": f"[bold red]{MARK}[/][link=file:///]x[/link]:skull:",
    "an image": f"<img src=x onerror=alert(1)>{MARK}",
    "format strings": f"%s%n%d {{0}} {{self.__class__}} ${{jndi:ldap://x}} {MARK}",
    "SQL": f"'; DROP TABLE inbox_message; -- {MARK}",
    "a shell": f"$(touch {MARK}) `id` && rm -rf ~ | cat",
    "a way out of the folder": f"../../../../tmp/{MARK}",
    "a way out on another system": f"..\\..\\{MARK}",
    "an absolute path": f"/etc/{MARK}",
    "a device": f"CON NUL COM1.txt {MARK}",
    "an option": f"--help -rf {MARK}",
    "a forged prompt": f"{FORGED} {MARK}",
    "a gutter": f"  │ {MARK}",
    "tabs as spaces": f"{MARK}\u00a0\u2003\u3000{FORGED}",
}
"""Text without control characters: it may stand wherever people write."""

HOSTILE = _CONTROLS | PRINTABLE
