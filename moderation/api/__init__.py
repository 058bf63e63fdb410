"""The HTTP interface for machines: /classify, its documentation, and the service's health.

Knows the wire format and the desk; knows nothing of pages, sessions or cookies.
"""

from moderation.api.blueprint import TOKEN_ENDPOINTS, api
from moderation.api.classify import LARGEST_BODY
from moderation.api.problems import failure_of, respond

__all__ = ["LARGEST_BODY", "TOKEN_ENDPOINTS", "api", "failure_of", "respond"]
