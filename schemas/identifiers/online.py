"""Accounts, addresses and pages: the form under which spellings meet, and what is unusual about them.

A handle is judged by what its platform gives out. Nothing is looked up, and no address is opened.
"""

import re
import unicodedata
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

from schemas.coded import CodedValue
from schemas.identifiers.checked import Checked, Finding, explain
from schemas.identifiers.phones import check_phone


class Platform(CodedValue):
    """Where an account is."""

    WHATSAPP = "whatsapp", "WhatsApp"
    TELEGRAM = "telegram", "Telegram"
    SIGNAL = "signal", "Signal"
    VIBER = "viber", "Viber"
    ZALO = "zalo", "Zalo"
    WECHAT = "wechat", "WeChat"
    LINE = "line", "LINE"
    IMO_MESSENGER = "imo-messenger", "imo"
    MESSENGER = "messenger", "Messenger"
    DISCORD = "discord", "Discord"
    FACEBOOK = "facebook", "Facebook"
    INSTAGRAM = "instagram", "Instagram"
    TIKTOK = "tiktok", "TikTok"
    SNAPCHAT = "snapchat", "Snapchat"
    X = "x", "X"
    YOUTUBE = "youtube", "YouTube"
    LINKEDIN = "linkedin", "LinkedIn"
    VK = "vk", "VK"
    WEB_FORUM = "web-forum", "Web forum"
    DARK_WEB_MARKET = "dark-web-market", "Market on the dark web"
    WEBSITE = "website", "Website of its own"
    OTHER = "other", "Other, in the note"


_BY_PHONE = frozenset({Platform.WHATSAPP, Platform.SIGNAL, Platform.VIBER, Platform.ZALO, Platform.IMO_MESSENGER})
"""Platforms whose accounts are telephone numbers, though some have names as well."""
_HANDLES = {
    Platform.TELEGRAM: r"[a-z][a-z0-9_]{3,31}",
    Platform.SIGNAL: r"[a-z_][a-z0-9_]{2,31}\.[0-9]{2,9}",
    Platform.WECHAT: r"[a-z_][a-z0-9_-]{5,19}",
    Platform.LINE: r"[a-z0-9._-]{4,20}",
    Platform.DISCORD: r"[a-z0-9_.]{2,32}",
    Platform.FACEBOOK: r"[a-z0-9.]{5,50}",
    Platform.MESSENGER: r"[a-z0-9.]{5,50}",
    Platform.INSTAGRAM: r"[a-z0-9_.]{1,30}",
    Platform.TIKTOK: r"[a-z0-9_.]{2,24}",
    Platform.SNAPCHAT: r"[a-z][a-z0-9_.-]{1,13}[a-z0-9]",
    Platform.X: r"[a-z0-9_]{1,15}",
    Platform.YOUTUBE: r"[\w.\u00b7-]{3,30}",
    Platform.LINKEDIN: r"[\w-]{3,100}",
    Platform.VK: r"[a-z][a-z0-9_.]{4,31}|id[0-9]+",
}
"""What each platform gives out, in lower case, as its own help pages describe it."""

_LEADING_SIGNS = re.compile(r"^[@\s]+")
_MAILTO = re.compile(r"^(?:mailto:)+")
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PORTS = {"http": 80, "https": 443}
_MAX_ADDRESS, _MAX_LOCAL_PART, _MAX_HOST, _MAX_HANDLE = 254, 64, 253, 120
MAX_URL_LETTERS = 2000


def check_handle(as_seen: str, platform: Platform) -> Checked:
    """Check an account's name by what its platform gives out; a telephone number where the platform goes by those."""
    text = _LEADING_SIGNS.sub("", _fold(as_seen)).rstrip()
    if not 0 < len(text) <= _MAX_HANDLE:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    by_phone = check_phone(as_seen.strip()) if platform in _BY_PHONE else None
    if by_phone is not None and by_phone.normalised is not None:
        return explain(as_seen, by_phone.normalised, *by_phone.findings)
    usual = _HANDLES.get(platform)
    if usual is None:
        return explain(as_seen, text, *_mixed(text, Finding.NO_RULE))
    found = Finding.NO_CHECK_DIGIT if re.fullmatch(usual, text) else Finding.UNUSUAL_FORM
    return explain(as_seen, text, *_mixed(text, found))


def check_email(as_seen: str) -> Checked:
    """Check an e-mail address (RFC 5321, section 4.1.2): its normal form is in lower case."""
    text = _MAILTO.sub("", _fold(as_seen).strip())
    local, separator, domain = text.rpartition("@")
    if not separator or not local or not domain or any(letter.isspace() for letter in text):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    host = _normalise_host(domain)
    if len(text) > _MAX_ADDRESS or len(local) > _MAX_LOCAL_PART:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    if host is None or "@" in local:
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    is_usual = _LOCAL_PART.fullmatch(local) and "." in host
    found = Finding.NO_CHECK_DIGIT if is_usual else Finding.UNUSUAL_FORM
    return explain(as_seen, f"{local}@{host}", *_mixed(f"{local}{domain}", found))


def check_url(as_seen: str) -> Checked:
    """Check the address of a page (RFC 3986); its normal form has no usual port, no empty path and no fragment."""
    text = _undo_defanging(as_seen.strip())
    if len(text) > MAX_URL_LETTERS:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        host, port = _normalise_host(parts.hostname or ""), parts.port
    except ValueError:
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if host is None or any(letter.isspace() for letter in text):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    is_usual = parts.scheme in _PORTS and "." in host and not parts.username and not _is_address(host)
    found = Finding.NO_CHECK_DIGIT if is_usual else Finding.UNUSUAL_FORM
    normalised = _write_url(parts, host, port)
    if len(normalised) > MAX_URL_LETTERS:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    return explain(as_seen, normalised, *_mixed(parts.hostname or "", found))


def has_mixed_scripts(text: str) -> bool:
    """Say whether one word has letters of several of the scripts that look alike: Latin, Cyrillic, Greek."""
    if text.isascii():
        return False
    return any(len({script for letter in word if (script := _script_of(letter))}) > 1 for word in _split_words(text))


def _undo_defanging(text: str) -> str:
    """Return an address as it was before somebody made it harmless to click on: hxxp, [.]"""
    text = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":")
    return re.sub(r"^hxxp", "http", text, flags=re.IGNORECASE)


def _write_url(parts: SplitResult, host: str, port: int | None) -> str:
    place = host if port is None or port == _PORTS.get(parts.scheme) else f"{host}:{port}"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._")
    return f"{parts.scheme}://{place}{path}" + (f"?{query}" if query else "")


def _normalise_host(unverified_host: str) -> str | None:
    host = unverified_host.rstrip(".").lower()
    if _is_address(host):
        return f"[{host}]" if ":" in host else host
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    is_host = ascii_host and all(_LABEL.fullmatch(label) for label in ascii_host.split("."))
    return ascii_host if is_host and len(ascii_host) <= _MAX_HOST else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _mixed(text: str, *findings: Finding) -> tuple[Finding, ...]:
    return (*findings, Finding.MIXED_SCRIPTS) if has_mixed_scripts(text) else findings


def _split_words(text: str) -> list[str]:
    return re.split(r"[\W_]+", text)


def _script_of(letter: str) -> str | None:
    name = unicodedata.name(letter, "") if letter.isalpha() else ""
    return next((script for script in ("LATIN", "CYRILLIC", "GREEK") if name.startswith(script)), None)
