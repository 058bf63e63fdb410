"""For servers that want a WSGI application by name: ``gunicorn wsgi:app``."""

from moderation.app import create_app

app = create_app()
