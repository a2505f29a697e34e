"""Spans for OpenTelemetry, where `otel_endpoint` is set; else entering one is entering nothing.

Names and numbers only: what customers say, and who they are, is in no span.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from kefu.kit.optional import require
from kefu.kit.settings import settings

_NOTHING: AbstractContextManager[Any] = nullcontext()
_tracer: Any = None
_provider: Any = None
# Where work goes on that was begun elsewhere in this process, by its name: messages become turns, turns are stored.
_handed_on: OrderedDict[str, Any] = OrderedDict()
_HANDED_ON = 10_000  # turns that wait or are in work; of those past it the oldest begin a trace of their own


def span(
    name: str, *, after: Sequence[str] = (), **attributes: str | int | float | bool
) -> AbstractContextManager[Any]:
    """A span within the one that is open, or a trace of its own; what fails within marks it, by type alone.

    `after` names work that was handed on: the span goes on in the trace of one, and is linked to those of several.
    """
    return _NOTHING if _tracer is None else _span(name, attributes, after)


def hand_on(work: str) -> None:
    """Let the span that takes up `work` go on in the trace of the span that is open now."""
    if _tracer is None:
        return
    _handed_on[work] = require("opentelemetry.trace", extra="otel").get_current_span().get_span_context()
    if len(_handed_on) > _HANDED_ON:
        _handed_on.popitem(last=False)


def apart(name: str, **attributes: str | int | float | bool) -> AbstractContextManager[Any]:
    """A span that nothing is within, for generators: who reads from them goes on with other work in between."""
    return _NOTHING if _tracer is None else _tracer.start_span(name, attributes=attributes, record_exception=False)


def configure(exporter: Any = None) -> None:
    """Send spans to the settings' collector, or to `exporter`. Raises MissingExtra without the extra `otel`."""
    global _tracer, _provider
    if exporter is None and not settings().otel_endpoint:
        return
    resources = require("opentelemetry.sdk.resources", extra="otel")
    sdk = require("opentelemetry.sdk.trace", extra="otel")
    export = require("opentelemetry.sdk.trace.export", extra="otel")
    provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": "kefu"}))
    if exporter is None:
        otlp = require("opentelemetry.exporter.otlp.proto.http.trace_exporter", extra="otel")
        endpoint = f"{settings().otel_endpoint.rstrip('/')}/v1/traces"
        provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter(endpoint=endpoint)))
    else:
        provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    _tracer, _provider = provider.get_tracer("kefu"), provider


def close() -> None:
    """Send what has not gone yet, and trace no more."""
    global _tracer, _provider  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None
    _handed_on.clear()


@contextmanager
def _span(name: str, attributes: dict[str, Any], after: Sequence[str]) -> Iterator[Any]:
    trace = require("opentelemetry.trace", extra="otel")
    before = [found for work in after if (found := _handed_on.pop(work, None)) is not None]
    parent = trace.set_span_in_context(trace.NonRecordingSpan(before[0])) if len(before) == 1 else None
    links = [trace.Link(each) for each in before] if len(before) > 1 else None
    # The message of an exception may quote a customer, so the SDK must not record it.
    with _tracer.start_as_current_span(
        name, parent, attributes=attributes, links=links, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__name__)
            raise
