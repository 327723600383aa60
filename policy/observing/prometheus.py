"""A page for Prometheus, of what the instruments have measured in this process."""

try:
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.exposition import choose_encoder
except ModuleNotFoundError as error:  # pragma: no cover - the tests have it
    raise ModuleNotFoundError(
        "policy.observing.prometheus needs a package: pip install 'claims-policy[prometheus]'"
    ) from error

from typing import Final

from flask import Flask, Response, request

from policy.flask.marks import Marker, is_marker

ENDPOINT: Final = "policy_metrics"


def serve_metrics(app: Flask, path: str, marker: Marker, *, registry: CollectorRegistry = REGISTRY) -> None:
    """Add a route that shows a registry, such as that of OpenTelemetry's `PrometheusMetricReader`.

    Who may see it has to be said, as of any other route: `serve_metrics(app, "/metrics", requires("read:metrics"))`.
    """
    if not is_marker(marker):
        raise TypeError('serve_metrics takes a mark: serve_metrics(app, "/metrics", requires("read:metrics"))')

    def policy_metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"})

    app.add_url_rule(path, ENDPOINT, marker(policy_metrics))
