"""How the gateway does, as Prometheus' metrics: the links, the store, what came in and what went out."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.domain.instant import SECOND
from gateway.http.labels import label
from gateway.http.sources import Sources

GAPS = ("recovered", "partly", "lost")
"""What may come of a loss of the link to Asterisk; each is there from the beginning, so that a first one is seen."""


class GatewayMetrics(Collector):
    """Reads the gateway's own figures."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Nothing is read before somebody asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        yield InfoMetricFamily(
            "cti_gateway", "The gateway.", {"version": __version__, "node": label(self._sources.node)}
        )
        yield from self._links()
        yield from self._asterisk()
        yield from self._broker()
        yield from self._store()

    def _links(self) -> Iterator[Metric]:
        picture, broker = self._sources.picture, self._sources.broker
        up = GaugeMetricFamily("cti_gateway_link_up", "Whether the link stands: 1 or 0.", labels=["link"])
        up.add_metric(["asterisk"], picture.link.link != "down")
        up.add_metric(["broker"], broker.connected)
        yield up
        losses = CounterMetricFamily("cti_gateway_link_losses", "How often the link was lost.", labels=["link"])
        losses.add_metric(["asterisk"], picture.losses)
        losses.add_metric(["broker"], broker.losses)
        yield losses
        yield _gauge(
            "cti_gateway_picture_current", "Whether the picture of Asterisk is current: 1 or 0.", picture.current
        )

    def _asterisk(self) -> Iterator[Metric]:
        picture, ami = self._sources.picture, self._sources.ami
        if picture.lag is not None:
            text = "How far the last event was behind the time that Asterisk had stamped on it."
            yield _gauge("cti_gateway_ami_lag_seconds", text, picture.lag / SECOND)
        yield _by_label("cti_gateway_ami_events", "Events taken from Asterisk.", "event", picture.events)
        yield _counter("cti_gateway_ami_events_unwanted", "Events that nobody wants.", ami.dropped)
        yield _counter("cti_gateway_ami_lines_malformed", "Lines from Asterisk that made no sense.", ami.malformed)
        text = "Comparisons of the picture with Asterisk's."
        yield _counter("cti_gateway_resyncs", text, self._sources.resync.count)
        text = "Losses of the link to Asterisk after which a picture was made again, by what the queue_log gave back."
        yield _by_label("cti_gateway_gaps", text, "outcome", {**dict.fromkeys(GAPS, 0), **picture.gaps})

    def _broker(self) -> Iterator[Metric]:
        sources = self._sources
        yield _counter("cti_gateway_publishes", "Publishes that the broker has taken.", sources.broker.acknowledged)
        refused = sum(sources.bridge.refused.values())
        yield _counter("cti_gateway_publishes_refused", "Publishes that the broker refused.", refused)
        yield _counter("cti_gateway_events_lost", "Events lost before the broker had them.", sources.bridge.dropped)
        refused = sum(sources.names.names_refused.values())
        yield _counter("cti_gateway_names_refused", "Things not published as their name makes no topic.", refused)
        answered = {"ok": 0, **sources.commander.answered}
        yield _by_label("cti_gateway_commands", "Commands answered.", "code", answered)

    def _store(self) -> Iterator[Metric]:
        sources, ledger = self._sources, self._sources.ledger
        yield _gauge("cti_gateway_outbox_messages", "Messages that the broker does not have yet.", ledger.depth)
        yield _gauge("cti_gateway_outbox_bytes", "Their size.", ledger.depth_bytes)
        text = "The size past which the oldest of them are lost."
        yield _gauge("cti_gateway_outbox_limit_bytes", text, sources.outbox_limit)
        yield _gauge("cti_gateway_store_usable", "Whether the store can be used: 1 or 0.", ledger.failure is None)
        yield _counter("cti_gateway_store_failures", "How often the store began to refuse.", ledger.failures)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)


def _by_label(name: str, text: str, by: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[by])
    for each, value in values.items():
        family.add_metric([label(each)], value)
    return family
