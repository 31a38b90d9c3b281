"""What machines ask: is this process alive, can it serve, and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from flask import Blueprint, Response, jsonify, make_response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models import recent
from models.base import StoreError
from web.parts import Measure, Parts

CHECK_S = 3
SILENT = "数据库没有回答：请检查数据库服务和网络"
HELP = {
    "followers": "Followers of the account",
    "interactions": "Messages and events of the last five minutes, by what became of them",
    "pushes": "Pushes that are not finished, by state",
    "deliveries": "Deliveries that are open, failed or of unknown outcome, by state",
}


def pages(parts: Parts) -> Blueprint:
    """`/healthz`, `/readyz` and `/metrics`."""
    blueprint = Blueprint("health", __name__)
    check = _Check(parts.ready)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """200 while this process answers, nothing else."""
        return _plain("ok\n")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """200, or 503 with the reasons."""
        reasons = check.reasons()
        return jsonify(ready=not reasons, reasons=reasons), 503 if reasons else 200

    @blueprint.get("/metrics")
    def metrics() -> Response:
        """The numbers in Prometheus' text format, counted at this moment."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(lambda: [*_counted(parts, check), *parts.measures()]))
        response = make_response(generate_latest(registry))
        response.headers["Content-Type"] = CONTENT_TYPE_PLAIN_0_0_4
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _counted(parts: Parts, check: _Check) -> Iterator[Measure]:
    yield Measure("gonghui_ready", "1 when this process can serve", float(not check.reasons()))
    try:
        with parts.store.reading() as connection:
            found = recent.counts(connection, parts.clock.now())
    except StoreError:
        return  # the monitor sees that this process is not ready
    for count in found:
        labels = (("state", count.state),) if count.state else ()
        yield Measure(f"gonghui_{count.kind}", HELP[count.kind], count.value, labels)


class _Check:
    """Asks whether this process can serve, one question at a time: a database that never answers holds up one thread."""

    def __init__(self, ready: Callable[[], Sequence[str]]) -> None:
        self._ready = ready
        self._asking = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="check")  # begins with the first question
        self._asked: Future[Sequence[str]] | None = None

    def reasons(self) -> list[str]:
        """Why it cannot; none is good. Within `CHECK_S`."""
        with self._asking:
            asked = self._asked = self._asked or self._thread.submit(self._ready)
        try:
            return list(asked.result(CHECK_S))
        except TimeoutError:
            return [SILENT]
        finally:
            if asked.done():
                self._asked = None


def _plain(text: str) -> Response:
    response = make_response(text)
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "no-store"
    return response


class _Collector(Collector):
    """Our measures as prometheus-client wants them: one family for each name, in the order given."""

    def __init__(self, measures: Callable[[], Sequence[Measure]]) -> None:
        self.measures = measures

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for measure in self.measures():
            names = [name for name, _ in measure.labels]
            if measure.name not in families:
                kind = CounterMetricFamily if measure.counts else GaugeMetricFamily
                families[measure.name] = kind(measure.name, measure.help, labels=names)
            family = families[measure.name]
            assert isinstance(family, CounterMetricFamily | GaugeMetricFamily)
            family.add_metric([value for _, value in measure.labels], measure.value)
        yield from families.values()
