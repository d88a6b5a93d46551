"""The operator's listener: alive, ready, and numbers without names."""

from starlette.testclient import TestClient

from broker.observability.admin import find_problems, make_admin_app
from broker.observability.metrics import Metrics


def _fail() -> str | None:
    raise KeyError("ERIKSSON")


def test_it_is_ready_when_every_check_is_content() -> None:
    with TestClient(make_admin_app(Metrics(), {"store": lambda: None, "log": lambda: None})) as client:
        response = client.get("/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "problems": {}})


def test_it_is_not_ready_when_one_is_not_but_still_alive() -> None:
    with TestClient(make_admin_app(Metrics(), {"store": lambda: "closed", "log": lambda: None})) as client:
        assert client.get("/ready").status_code == 503
        assert client.get("/ready").json()["problems"] == {"store": "closed"}
        assert client.get("/health").status_code == 200


def test_a_check_that_fails_is_a_problem_and_keeps_its_details() -> None:
    assert find_problems({"store": _fail}) == {"store": "the check failed: KeyError"}


def test_metrics_are_in_the_form_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.observe_batch(7, 0.002)
    metrics.observe_request("/messages", 202, 0.01)
    metrics.count_refusal("not-covered")
    with TestClient(make_admin_app(metrics, {})) as client:
        text = client.get("/metrics").text
    assert "bilateral_batch_operations_sum 7.0" in text
    assert 'bilateral_request_seconds_count{route="/messages",status="202"} 1.0' in text
    assert 'bilateral_refusals_total{problem="not-covered"} 1.0' in text


def test_two_brokers_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.count_refusal("busy")
    assert second.registry.get_sample_value("bilateral_refusals_total", {"problem": "busy"}) is None
