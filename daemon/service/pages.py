"""The pages' process: the web server, and what it tells the service, a line each."""

import sys
import threading

from sqlalchemy import Engine

from daemon import web
from daemon.profiles import Profiles
from daemon.settings import Settings

SERVING = "serving"
LOOK = "look into "

CONNECTIONS = 12
"""To the database: whatever strangers do to the pages, the imports have the others."""


def run(engine: Engine, settings: Settings, stop: threading.Event) -> None:
    """Answer until `stop` is set. Raises SetupFault when the port is taken."""
    web.serve(
        engine,
        settings,
        Profiles(settings.profiles),
        look=lambda drop: _say(LOOK + drop),
        serving=lambda: _say(SERVING),
        stop=stop,
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
