"""Where agreements stood a moment ago: many messages a second cite the same few versions."""

from dataclasses import dataclass
from datetime import datetime

from broker.agreements.book import Agreements
from broker.agreements.errors import UnknownAgreementError
from schemas.agreements.lifecycle import AgreementView, Chains, view_agreement

_MAX_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    chains: Chains
    now: datetime
    view: AgreementView


class RecentViews:
    """Views by digest, each good for as long as its chains and the moment are the same."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def find(self, agreements: Agreements, digest: str, now: datetime) -> AgreementView | None:
        """Return where the version named by `digest` stands, or nothing if nobody ever proposed it."""
        try:
            chains = agreements.find(digest).chains
        except UnknownAgreementError:
            return None
        kept = self._kept.get(digest)
        if kept is not None and kept.chains is chains and kept.now == now:
            return kept.view
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        view = view_agreement(digest, chains, now)
        self._kept[digest] = _Kept(chains, now, view)
        return view
