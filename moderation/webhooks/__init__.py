"""Telling the blog: events leave the outbox as signed HTTP requests.

Knows the store's outbox and the network; knows nothing of comments, scores or people.
"""

from moderation.webhooks.receiver import Message, Receiver, Undelivered
from moderation.webhooks.sender import Sender, sender
from moderation.webhooks.signature import Key, UnusableKey

__all__ = ["Key", "Message", "Receiver", "Sender", "Undelivered", "UnusableKey", "sender"]
