"""Pass a client's own judgement by, as only a program can that uses the library: to see that the broker judges too."""

from rich.text import Text

from agency_client.client import AgencyClient
from agency_client.errors import ClientError
from agency_client.sending.draft import Draft
from examples.demo.cast import Cast, Member
from examples.demo.stage import UnmetError


def push_past_client(cast: Cast, member: Member, draft: Draft) -> str:
    """Send a draft without the client's judgement, show the lines that do it, return the code of the broker's refusal.

    Raises:
        UnmetError: it did not come as far as the broker.
    """
    lines = (
        f'with AgencyClient.open("{member.profile}") as client:',
        f"    client.push_past_client(draft)  # {draft.alert['kind']} to {', '.join(draft.recipients)}",
    )
    cast.stage.show_python(member.place, member.style, lines)
    try:
        with AgencyClient.open(member.profile, environment=member.environment) as client:
            (item,) = client.push_past_client(draft).items
    except ClientError as error:
        raise UnmetError("the message comes to the broker", wanted="an answer of the broker", came=error) from error
    if item.problem is None:
        return f"no refusal: {item.state.value}"
    cast.stage.show_line(Text(f"{item.state.value}: {item.problem.sentence}"))
    return item.problem.code
