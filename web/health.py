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

from models import alarm, recent, shared
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
    check = _Check(parts.ready, [SILENT])
    alarms = _Check(lambda: _alarms(parts), [])

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """200 while this process answers, nothing else."""
        return _plain("ok\n")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """200, or 503 with the reasons; and the alarms that stand, which are for people, not for a balancer."""
        reasons = check.answers()
        return jsonify(ready=not reasons, reasons=reasons, alarms=alarms.answers()), 503 if reasons else 200

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
    yield Measure("gonghui_ready", "1 when this process can serve", float(not check.answers()))
    try:
        with parts.store.reading() as connection:
            found = recent.counts(connection, parts.clock.now())
            standing, halted = alarm.count(connection), shared.halted(connection) is not None
    except StoreError:
        return  # the monitor sees that this process is not ready
    yield Measure("gonghui_alarms", "Alarms that nobody has seen to", standing)
    yield Measure("gonghui_halted", "1 while nothing may go out", float(halted))
    for count in found:
        labels = (("state", count.state),) if count.state else ()
        yield Measure(f"gonghui_{count.kind}", HELP[count.kind], count.value, labels)


def _alarms(parts: Parts) -> list[str]:
    try:
        with parts.store.reading() as connection:
            return [each.words for each in alarm.standing(connection)]
    except StoreError:
        return []  # which is a reason by itself


class _Check:
    """Asks one question of the database at a time: one that never answers holds up one thread. `silent` is said then."""

    def __init__(self, ask: Callable[[], Sequence[str]], silent: Sequence[str]) -> None:
        self._ask = ask
        self._silent = silent
        self._asking = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="check")  # begins with the first question
        self._asked: Future[Sequence[str]] | None = None

    def answers(self) -> list[str]:
        """What was answered, within `CHECK_S`."""
        with self._asking:
            asked = self._asked = self._asked or self._thread.submit(self._ask)
        try:
            return list(asked.result(CHECK_S))
        except TimeoutError:
            return list(self._silent)
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
