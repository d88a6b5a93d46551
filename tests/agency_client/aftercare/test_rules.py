"""What notices make of a message: by the set of them alone, and the strictest counts."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.aftercare.rules import (
    NOTHING_SAID,
    REPORTS_AT_ONCE,
    USES_AFTER_STOP,
    Notice,
    Standing,
    compute_standing,
    decide_effect,
    find_lifted,
    find_next_report,
    list_usable_identifiers,
)
from schemas.agreements.following import MAX_FOLLOW_UPS
from schemas.alerts import Alert, notice_kinds, parse_alert
from schemas.alerts.coded import NoticeEffect, RequiredAction, RestrictedUse
from tests.schemas.alerts.filled import load_changed

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVIDENCE, CLAIM = RestrictedUse.EVIDENCE, RestrictedUse.LEGAL_CLAIM
ACTIONS = {
    "breach-notice": (RequiredAction.MARK, RequiredAction.STOP_USING, RequiredAction.DELETE),
    "correction": (RequiredAction.AMEND, RequiredAction.STOP_USING, RequiredAction.DELETE),
    "misused-identity": (RequiredAction.MARK, RequiredAction.STOP_USING, RequiredAction.DELETE),
    "restriction": (RequiredAction.RESTRICT, RequiredAction.LIFT),
    "withdrawal": (RequiredAction.AMEND, RequiredAction.STOP_USING, RequiredAction.DELETE),
}


def say(kind: str, action: RequiredAction | None = None, *, minute: int = 0, name: str = "", **changes: Any) -> Notice:
    """Return a notice said so many minutes after the start."""
    digest = name or f"{kind}-{minute}"
    usual: dict[str, Any] = {
        "digest": digest,
        "origin": digest,
        "author": "GB",
        "kind": kind,
        "action": action or ACTIONS[kind][0],
        "said_at": START + timedelta(minutes=minute),
        "acknowledge_by": START + timedelta(days=3),
    }
    return Notice(**usual | changes)


@st.composite
def notices(draw: st.DrawFn) -> list[Notice]:
    """Draw notices about one message, by two authors, at few moments, so that ties are common."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(sorted(ACTIONS)))
        action = draw(st.sampled_from(ACTIONS[kind]))
        found.append(
            say(
                kind,
                action,
                minute=draw(st.integers(0, 3)),
                name=f"n{number}",
                author=draw(st.sampled_from(["GB", "BE"])),
                allowed=frozenset(draw(st.sets(st.sampled_from(RestrictedUse)))),
                subjects=tuple(draw(st.lists(st.sampled_from(["persons.0", "persons.1"]), max_size=2))),
            )
        )
    return found


def rank(standing: Standing) -> tuple[int, int, int]:
    """Return how much a standing withholds: more in a place is stricter."""
    uses = len(RestrictedUse) + 1 if standing.allowed_uses is None else len(standing.allowed_uses)
    return int(standing.is_to_be_erased), -uses, len(standing.victims)


def test_a_message_nobody_spoke_of_stands_as_it_came() -> None:
    assert compute_standing([]) == NOTHING_SAID
    assert NOTHING_SAID.words == ()
    assert not NOTHING_SAID.is_restricted


@given(notices(), st.randoms(use_true_random=False))
def test_no_order_of_arrival_shows_more_than_another(said: list[Notice], random: Any) -> None:
    shuffled = list(said)
    random.shuffle(shuffled)
    assert compute_standing(shuffled) == compute_standing(said)


@given(notices())
def test_a_notice_that_comes_twice_counts_once(said: list[Notice]) -> None:
    twice = compute_standing([*said, *said])
    assert rank(twice) == rank(compute_standing(said))


@given(notices(), notices())
def test_no_further_notice_shows_more_but_a_lifting(said: list[Notice], more: list[Notice]) -> None:
    more = [notice for notice in more if notice.action is not RequiredAction.LIFT]
    before, after = compute_standing(said), compute_standing([*said, *more])
    assert all(one <= other for one, other in zip(rank(before), rank(after), strict=True))
    assert before.is_withdrawn <= after.is_withdrawn


def test_the_uses_that_all_restrictions_allow_are_what_remains() -> None:
    first = say("restriction", allowed=frozenset({EVIDENCE, CLAIM}))
    second = say("restriction", minute=1, allowed=frozenset({CLAIM}))
    for order in permutations([first, second]):
        assert compute_standing(order).allowed_uses == frozenset({CLAIM})


def test_a_restriction_that_names_no_use_leaves_none() -> None:
    standing = compute_standing([say("restriction")])
    assert standing.is_restricted
    assert standing.allowed_uses == frozenset()


def test_corrections_and_breaches_are_listed_as_they_were_said() -> None:
    said = [say(kind, minute=minute) for minute in (1, 0) for kind in ("correction", "breach-notice", "withdrawal")]
    standing = compute_standing(said)
    assert [notice.digest for notice in standing.corrections] == ["correction-0", "correction-1"]
    assert [notice.digest for notice in standing.breaches] == ["breach-notice-0", "breach-notice-1"]


def test_a_court_and_an_authority_may_ask_for_what_nobody_else_may_use() -> None:
    assert {RestrictedUse.LEGAL_CLAIM, RestrictedUse.SUPERVISION} == USES_AFTER_STOP


def test_what_must_not_be_used_any_more_remains_for_courts_and_authorities() -> None:
    for kind in ("withdrawal", "correction", "misused-identity", "breach-notice"):
        assert compute_standing([say(kind, RequiredAction.STOP_USING)]).allowed_uses == USES_AFTER_STOP


def test_only_who_restricted_lifts_and_only_what_was_said_before() -> None:
    restriction = say("restriction", minute=1)
    lifts = {
        "by another": say("restriction", RequiredAction.LIFT, minute=2, author="BE"),
        "said before": say("restriction", RequiredAction.LIFT, minute=0),
        "of the same second": say("restriction", RequiredAction.LIFT, minute=1, name="lift"),
    }
    for why, lift in lifts.items():
        assert compute_standing([lift, restriction]).is_restricted, why
    lift = say("restriction", RequiredAction.LIFT, minute=2)
    for order in permutations([restriction, lift]):
        assert not compute_standing(order).is_restricted
    again = say("restriction", minute=3)
    assert compute_standing([again, lift, restriction]).is_restricted


def test_a_lifting_ends_nothing_but_restrictions() -> None:
    stop = say("correction", RequiredAction.STOP_USING)
    assert compute_standing([stop, say("restriction", RequiredAction.LIFT, minute=5)]).is_restricted


def test_the_restrictions_a_lifting_would_end_are_found_before_it_is_sent() -> None:
    own, late, foreign = say("restriction"), say("restriction", minute=9), say("restriction", author="BE")
    found = find_lifted([own, late, foreign, say("correction")], "GB", START + timedelta(minutes=5))
    assert found == [own]
    assert find_lifted([own], "GB", own.said_at) == [], "of the same second it stays restricted"


@pytest.mark.parametrize("kind", notice_kinds())
def test_where_nothing_is_held_nothing_is_done(kind: str) -> None:
    for action in ACTIONS[kind]:
        assert decide_effect(say(kind, action), holds_content=False) is NoticeEffect.NOTHING_HELD


@pytest.mark.parametrize(
    ("kind", "action", "effect"),
    [
        ("correction", RequiredAction.AMEND, NoticeEffect.REPLACED),
        ("correction", RequiredAction.DELETE, NoticeEffect.ERASED),
        ("correction", RequiredAction.STOP_USING, NoticeEffect.RESTRICTED),
        ("withdrawal", RequiredAction.DELETE, NoticeEffect.ERASED),
        ("withdrawal", RequiredAction.STOP_USING, NoticeEffect.RESTRICTED),
        ("withdrawal", RequiredAction.AMEND, NoticeEffect.MARKED),
        ("misused-identity", RequiredAction.MARK, NoticeEffect.MARKED),
        ("restriction", RequiredAction.RESTRICT, NoticeEffect.RESTRICTED),
        ("restriction", RequiredAction.LIFT, NoticeEffect.LIFTED),
        ("breach-notice", RequiredAction.MARK, NoticeEffect.MARKED),
    ],
)
def test_what_a_notice_demands_is_what_is_done(kind: str, action: RequiredAction, effect: NoticeEffect) -> None:
    assert decide_effect(say(kind, action), holds_content=True) is effect


def test_the_marks_of_a_list_name_everything_that_was_said() -> None:
    said = [say(kind, subjects=("persons.0",)) for kind in ACTIONS]
    assert compute_standing(said).words == (
        "withdrawn",
        "restricted",
        "VICTIM OF MISUSED IDENTITY",
        "corrected",
        "breach",
    )


def test_a_victim_is_never_a_hit() -> None:
    alert = parse_alert(load_changed("document-fraud", {}))
    assert list_usable_identifiers(alert, NOTHING_SAID) == alert.identifiers()
    victims = compute_standing([say("misused-identity", subjects=("persons.0",))])
    left = list_usable_identifiers(alert, victims)
    assert set(left).isdisjoint(alert.persons[0].identifiers())
    holder = compute_standing([say("misused-identity", subjects=("details.document.holder",))])
    assert list_usable_identifiers(alert, holder) == ()


def name_persons(*numbers: str) -> list[dict[str, Any]]:
    """Return persons each of whom carries one passport."""
    passports = [{"type": "passport", "issuing_state": "UTO", "number": number} for number in numbers]
    return [
        {"ref": f"p{place}", "role": "suspect", "documents": [passport]} for place, passport in enumerate(passports)
    ]


def list_values(alert: Alert, standing: Standing) -> list[str]:
    """Return the document numbers by which records may be searched, where the alert itself names none."""
    own = set(alert.details.identifiers())
    found = list_usable_identifiers(alert, standing)
    assert own <= set(found), "what the alert itself names is nobody's alone"
    return [identifier.value for identifier in found if identifier not in own]


def test_of_several_persons_the_victims_alone_are_nobodys_hit() -> None:
    alert = parse_alert(
        load_changed("document-fraud", {"persons": name_persons("D23145890", "D23145891", "D23145892")})
    )
    assert list_values(alert, NOTHING_SAID) == ["D23145890", "D23145891", "D23145892"]
    victim = compute_standing([say("misused-identity", subjects=("persons.1",))])
    assert list_values(alert, victim) == ["D23145890", "D23145892"]
    both = compute_standing([say("misused-identity", subjects=("persons.0", "persons.2"))])
    assert list_values(alert, both) == ["D23145891"]


def test_what_a_victim_shares_with_a_suspect_leads_to_the_victim_too() -> None:
    alert = parse_alert(load_changed("document-fraud", {"persons": name_persons("D23145890", "D23145890")}))
    victim = compute_standing([say("misused-identity", subjects=("persons.0",))])
    assert list_values(alert, victim) == []


@pytest.mark.parametrize("kind", ["withdrawal", "correction", "breach-notice"])
def test_nobody_searches_by_what_is_to_be_erased(kind: str) -> None:
    standing = compute_standing([say(kind, RequiredAction.DELETE)])
    assert standing.is_to_be_erased
    assert not compute_standing([say(kind, RequiredAction.STOP_USING)]).is_to_be_erased
    assert list_usable_identifiers(parse_alert(load_changed("document-fraud", {})), standing) == ()


@pytest.mark.parametrize("kind", ["restriction", "withdrawal"])
def test_nobody_searches_by_what_is_restricted_or_taken_back(kind: str) -> None:
    alert = parse_alert(load_changed("document-fraud", {}))
    assert list_usable_identifiers(alert, compute_standing([say(kind)])) == ()


@pytest.mark.parametrize(
    ("ground", "keepers"),
    [
        ("needed-as-evidence", ("GB",)),
        ("accuracy-contested", ("GB",)),
        ("court-or-supervisor", ()),
        ("request-of-person", ()),
        ("clarified", ()),
        ("", ()),
    ],
)
def test_only_what_the_directive_restricts_in_place_of_erasing_is_kept(ground: str, keepers: tuple[str, ...]) -> None:
    assert compute_standing([say("restriction", ground=ground)]).kept_by == keepers


def test_it_is_kept_until_the_last_of_those_who_restricted_it_lifts_that_or_has_it_erased() -> None:
    first = say("restriction", ground="needed-as-evidence")
    other = say("restriction", ground="accuracy-contested", author="VN", minute=1)
    lifted = say("restriction", RequiredAction.LIFT, ground="clarified", minute=2)
    erased = say("withdrawal", RequiredAction.DELETE, minute=3)
    assert compute_standing([first, other]).kept_by == ("GB", "VN")
    assert compute_standing([first, other, lifted]).kept_by == ("VN",)
    assert compute_standing([first, other, erased]).kept_by == ()


def test_reports_that_never_end_come_ever_more_rarely_and_never_stop() -> None:
    at_once = [find_next_report(reported, START) for reported in range(REPORTS_AT_ONCE)]
    assert at_once == [START] * REPORTS_AT_ONCE
    waits = [find_next_report(REPORTS_AT_ONCE + number, START) - START for number in range(60)]
    assert waits[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]
    assert waits == sorted(waits)
    in_five_years = REPORTS_AT_ONCE + next(
        number for number in range(60) if sum(waits[:number], timedelta()) > timedelta(days=5 * 365)
    )
    assert in_five_years < MAX_FOLLOW_UPS / 2, "a person's own answers find room beside them"
