"""What an operator watches: logs, one JSON object a line, and metrics for Prometheus.

It knows nothing of comments beyond verdicts and rules; no text, author, token or address passes
through it. ``metrics`` is not imported here: whoever shares numbers between processes has to say
so before.
"""

from moderation.telemetry.logs import JsonFormatter, log_as_json, request_id
from moderation.telemetry.requests import watch_requests

__all__ = ["JsonFormatter", "log_as_json", "request_id", "watch_requests"]
