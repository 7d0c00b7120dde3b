"""The pages behind the links in the mails."""

from daemon.web.app import create_app, serve

__all__ = ["create_app", "serve"]
