"""What the broker counts and times, in Prometheus' form.

Labels are closed lists: no agency, no path that somebody asked for, no person.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_BATCH_OPERATIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """All of one broker's instruments, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batches_failed = Counter(
            "bilateral_batches_failed", "Group commits that failed or could not be signed.", registry=self.registry
        )
        self.writes_refused_busy = Counter(
            "bilateral_writes_refused_busy", "Writes refused because too many were waiting.", registry=self.registry
        )
        self.log_leaves = Gauge(
            "bilateral_log_leaves", "Leaves under the newest signed checkpoint.", registry=self.registry
        )
        self.stopped = Gauge(
            "bilateral_exchange_stopped",
            "1 while the log may not grow, because the exchange was restored or fell behind its witnesses.",
            registry=self.registry,
        )
        self.purge_due_since = Gauge(
            "bilateral_purge_due_since",
            "When the oldest thing came to its end that is still kept, in Unix seconds; 0 when nothing is due.",
            registry=self.registry,
        )
        self._purged = Counter(
            "bilateral_purged", "What came to its end and was removed, by kind.", ("kind",), registry=self.registry
        )
        self.attachments_missed = Counter(
            "bilateral_attachments_missed",
            "Times that a recipient asked for an attachment whose bytes were lost here.",
            registry=self.registry,
        )
        self.event_streams = Gauge(
            "bilateral_event_streams", "Nodes that listen for what comes into their inboxes.", registry=self.registry
        )
        self.connections = Gauge("bilateral_connections", "Open client connections.", registry=self.registry)
        self._batch_operations = Histogram(
            "bilateral_batch_operations",
            "Operations in one group commit.",
            buckets=_BATCH_OPERATIONS,
            registry=self.registry,
        )
        self._batch_seconds = Histogram(
            "bilateral_batch_seconds",
            "Time from a batch's first step to its answers.",
            buckets=_COMMIT_SECONDS,
            registry=self.registry,
        )
        self._requests = Histogram(
            "bilateral_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route", "status"),
            buckets=_REQUEST_SECONDS,
            registry=self.registry,
        )
        self._requests_by_outcome: dict[tuple[str, int], Histogram] = {}
        self._refusals = Counter(
            "bilateral_refusals", "Answers with a problem, by its type.", ("problem",), registry=self.registry
        )

    def observe_batch(self, operations: int, seconds: float) -> None:
        """Count one group commit."""
        self._batch_operations.observe(operations)
        self._batch_seconds.observe(seconds)

    def count_purged(self, kind: str, number: int) -> None:
        """Count what was removed at its end; `kind` is `message`, `receipt` or `record`."""
        self._purged.labels(kind).inc(number)

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a route's template, never the path that was asked for."""
        outcome = self._requests_by_outcome.get((route, status))
        if outcome is None:
            outcome = self._requests_by_outcome.setdefault((route, status), self._requests.labels(route, str(status)))
        outcome.observe(seconds)

    def count_refusal(self, slug: str) -> None:
        """Count one problem answer."""
        self._refusals.labels(slug).inc()
