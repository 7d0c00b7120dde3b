"""The pages behind the links in the mails."""

from daemon.web.app import Pages, create_app

__all__ = ["Pages", "create_app"]
