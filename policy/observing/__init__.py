"""What an application decides, as measurements and on spans, through the API of OpenTelemetry."""

try:
    import opentelemetry.metrics  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover - the tests have it
    raise ModuleNotFoundError("policy.observing needs OpenTelemetry: pip install 'claims-policy[otel]'") from error

from policy.observing.instruments import instrument

__all__ = ["instrument"]
