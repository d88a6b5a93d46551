"""Foreign things get the places a kind has; every value is taken or refused with a reason, none goes unsaid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.interchange.foreign import ForeignFile, ForeignThing
from agency_client.interchange.placing import MAX_PLACES, PLACES, SLOTS, place
from schemas.codec import encode_canonical

PERSON = ForeignThing(
    "Object 1",
    "person",
    (
        ("gender", "Female"),
        ("full-name", "Anna ERIKSSON"),
        ("full-name", "Анна ЭРИКССОН"),
        ("nationality", "Belgium"),
        ("nationality", "VN"),
        ("nationality", "Atlantis"),
        ("date-of-birth", "1974-08-12"),
        ("occupation", "forger"),
    ),
)
ACCOUNT = ForeignThing("Object 2", "user-account", (("account-type", "telegram"), ("username", "@chihai.specimen")))


def read(*things: ForeignThing, kind: str = "facilitator") -> tuple[dict[str, object], list[tuple[str, str]]]:
    draft = place(ForeignFile("Title", None, {}, things, ()), kind)
    return draft.alert, list(draft.refused)


def test_a_person_has_names_states_and_dates_and_what_has_no_place_is_said() -> None:
    alert, refused = read(PERSON)

    assert alert["persons"] == [
        {
            "ref": "p1",
            "role": "unidentified",
            "sex": "female",
            "names": [{"text": "Anna ERIKSSON"}, {"text": "Анна ЭРИКССОН"}],
            "nationalities": ["BEL", "VNM"],
            "birth_dates": ["1974-08-12"],
        }
    ]
    assert refused == [
        ("Object 1 person nationality", "its value is none that an alert knows"),
        ("Object 1 person occupation", "no alert has a place for it"),
    ]


def test_the_order_of_values_does_not_matter() -> None:
    turned = ForeignThing(ACCOUNT.where, ACCOUNT.template, ACCOUNT.values[::-1])

    assert read(ACCOUNT) == read(turned)
    assert read(ACCOUNT)[0]["details"] == {"accounts": [{"platform": "telegram", "as_seen": "@chihai.specimen"}]}


def test_a_kind_takes_only_what_it_has_places_for() -> None:
    alert, refused = read(ACCOUNT, kind="financial-flow")

    assert alert["details"] == {}
    assert refused == [("Object 2 user-account", "financial-flow has no place for it")]


def test_a_wrong_value_is_dropped_and_the_rest_stays() -> None:
    wrong = ForeignThing("Object 3", "person", (("full-name", "Anna"), ("date-of-birth", "1974-13-45")))
    alert, refused = read(wrong)

    assert alert["persons"] == [{"ref": "p1", "role": "unidentified", "names": [{"text": "Anna"}]}]
    assert [where for where, _ in refused] == ["Object 3 person birth_dates"]


def test_a_list_takes_so_many_and_says_so_of_the_others() -> None:
    emails = [ForeignThing(f"Object {n}", "email", (("from", f"a{n}@example.org"),)) for n in range(MAX_PLACES + 1)]
    alert, refused = read(*emails)

    assert isinstance(alert["details"], dict)
    assert len(alert["details"]["emails"]) == MAX_PLACES
    assert refused == [(f"Object {MAX_PLACES} email", "details.emails takes 20")]


@pytest.mark.parametrize("kind", SLOTS)
@given(
    things=st.lists(
        st.builds(
            ForeignThing,
            st.just("Object"),
            st.sampled_from([*PLACES, "file"]),
            st.lists(
                st.tuples(st.sampled_from(sorted({name for slot in PLACES.values() for name in slot})), st.text())
            ).map(tuple),
        ),
        max_size=3,
    )
)
def test_whatever_a_file_says_a_beginning_comes_out_that_can_be_written(kind: str, things: list[ForeignThing]) -> None:
    draft = place(ForeignFile("", None, {}, tuple(things), ()), kind)

    try:
        encode_canonical(draft.alert)
    except UnicodeEncodeError:  # pragma: no cover
        pytest.fail("a lone surrogate got through")
    values = sum(len(thing.values) for thing in things)
    assert len(draft.taken) + len(draft.refused) <= 2 * values + len(things)
