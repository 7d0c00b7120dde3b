"""The pages behind the links in the mails."""

from daemon.web.app import create_app, serve
from daemon.web.auth import hashed

__all__ = ["create_app", "hashed", "serve"]
