"""The command line."""

from daemon.cli.app import main

__all__ = ["main"]
