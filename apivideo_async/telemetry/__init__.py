"""Telemetry: OpenTelemetry (extra ``otel``) and metrics for Prometheus (extra ``metrics``).

The submodules are imported by name, because each of them needs the packages of its extra.
"""
