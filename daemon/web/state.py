"""What stands behind the pages: the database, the settings, the profiles."""

from sqlalchemy import Engine
from starlette.requests import Request

from daemon.profiles import Profiles
from daemon.settings import Settings


def engine_of(request: Request) -> Engine:
    """The database behind the pages."""
    engine: Engine = request.app.state.engine
    return engine


def settings_of(request: Request) -> Settings:
    """The settings behind the pages."""
    settings: Settings = request.app.state.settings
    return settings


def profiles_of(request: Request) -> Profiles:
    """The profiles behind the pages."""
    profiles: Profiles = request.app.state.profiles
    return profiles
