"""Accounts, addresses, pages: spellings of one meet, what is unusual is said, nothing is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.checked import Finding
from schemas.identifiers.online import Platform, check_email, check_handle, check_url, has_mixed_scripts

CYRILLIC_A = "\u0430"


@pytest.mark.parametrize(
    ("as_seen", "platform", "normalised", "findings"),
    [
        ("@ChiHai.Specimen", Platform.TIKTOK, "chihai.specimen", (Finding.NO_CHECK_DIGIT,)),
        ("@chihai_specimen", Platform.TELEGRAM, "chihai_specimen", (Finding.NO_CHECK_DIGIT,)),
        ("@9lives", Platform.TELEGRAM, "9lives", (Finding.UNUSUAL_FORM,)),
        ("x" * 16, Platform.X, "x" * 16, (Finding.UNUSUAL_FORM,)),
        ("+44 7700 900123", Platform.WHATSAPP, "+447700900123", (Finding.NOT_IN_USE,)),
        ("@chihai.specimen", Platform.ZALO, "chihai.specimen", (Finding.NO_RULE,)),
        (f"{CYRILLIC_A}dmin", Platform.OTHER, f"{CYRILLIC_A}dmin", (Finding.NO_RULE, Finding.MIXED_SCRIPTS)),
        ("@", Platform.X, None, (Finding.WRONG_LENGTH,)),
        ("\u9648\u6c0f", Platform.WEB_FORUM, "\u9648\u6c0f", (Finding.NO_RULE,)),
    ],
)
def test_an_account_is_judged_by_its_platform(
    as_seen: str, platform: Platform, normalised: str | None, findings: tuple[Finding, ...]
) -> None:
    checked = check_handle(as_seen, platform)
    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, findings)


@pytest.mark.parametrize(
    ("as_seen", "normalised", "findings"),
    [
        ("ChiHai@Example.ORG", "chihai@example.org", (Finding.NO_CHECK_DIGIT,)),
        ("mailto:a.b+c@example.org.", "a.b+c@example.org", (Finding.NO_CHECK_DIGIT,)),
        ("chihai@localhost", "chihai@localhost", (Finding.UNUSUAL_FORM,)),
        ("a..b@example.org", "a..b@example.org", (Finding.UNUSUAL_FORM,)),
        ("a@b\u00fccher.example", "a@xn--bcher-kva.example", (Finding.NO_CHECK_DIGIT,)),
        (f"p{CYRILLIC_A}y@example.org", f"p{CYRILLIC_A}y@example.org", (Finding.UNUSUAL_FORM, Finding.MIXED_SCRIPTS)),
        ("chihai", None, (Finding.WRONG_CHARACTERS,)),
        ("a@b@example.org", None, (Finding.WRONG_CHARACTERS,)),
        ("a b@example.org", None, (Finding.WRONG_CHARACTERS,)),
        ("a@exam ple.org", None, (Finding.WRONG_CHARACTERS,)),
        ("a@-x.org", None, (Finding.WRONG_CHARACTERS,)),
        (f"{'a' * 65}@example.org", None, (Finding.WRONG_LENGTH,)),
    ],
)
def test_an_address_is_explained(as_seen: str, normalised: str | None, findings: tuple[Finding, ...]) -> None:
    checked = check_email(as_seen)
    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, findings)


@pytest.mark.parametrize(
    ("as_seen", "normalised", "findings"),
    [
        ("https://Example.ORG", "https://example.org/", (Finding.NO_CHECK_DIGIT,)),
        ("example.org/prices#top", "https://example.org/prices", (Finding.NO_CHECK_DIGIT,)),
        ("HTTP://example.org:80/A?b=c", "http://example.org/A?b=c", (Finding.NO_CHECK_DIGIT,)),
        ("hxxps://crossings.example[.]com/p", "https://crossings.example.com/p", (Finding.NO_CHECK_DIGIT,)),
        ("https://example.org/gi\u00e1", "https://example.org/gi%C3%A1", (Finding.NO_CHECK_DIGIT,)),
        ("ftp://example.org/x", "ftp://example.org/x", (Finding.UNUSUAL_FORM,)),
        ("https://192.0.2.7/x", "https://192.0.2.7/x", (Finding.UNUSUAL_FORM,)),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/", (Finding.UNUSUAL_FORM,)),
        ("https://user@example.org/", "https://example.org/", (Finding.UNUSUAL_FORM,)),
        (
            f"https://ex{CYRILLIC_A}mple.org/",
            "https://xn--exmple-4nf.org/",
            (Finding.NO_CHECK_DIGIT, Finding.MIXED_SCRIPTS),
        ),
        ("https://exa mple.org/", None, (Finding.WRONG_CHARACTERS,)),
        ("https://example.org:99999/", None, (Finding.WRONG_CHARACTERS,)),
        ("https://[::1/", None, (Finding.WRONG_CHARACTERS,)),
        ("https:///path", None, (Finding.WRONG_CHARACTERS,)),
    ],
)
def test_a_page_is_explained(as_seen: str, normalised: str | None, findings: tuple[Finding, ...]) -> None:
    checked = check_url(as_seen)
    assert (checked.as_seen, checked.normalised, checked.findings) == (as_seen, normalised, findings)


@given(
    st.from_regex(r"[a-z]{1,10}(\.[a-z]{2,8}){1,2}", fullmatch=True),
    st.from_regex(r"(/[a-zA-Z0-9]{1,5}){0,3}", fullmatch=True),
)
def test_spellings_of_one_page_meet(host: str, path: str) -> None:
    forms = {
        check_url(text).normalised
        for text in (
            f"https://{host}{path}",
            f"HTTPS://{host.upper()}:443{path}#x",
            f"{host}{path}",
            f"hxxps://{host}{path}",
        )
    }
    assert forms == {f"https://{host}{path or '/'}"}


def test_scripts_are_mixed_within_a_word_only() -> None:
    assert has_mixed_scripts(f"p{CYRILLIC_A}ypal")
    assert not has_mixed_scripts("paypal.\u0440\u0444")
    assert not has_mixed_scripts("\u9648x 123")
