"""What an admin writes about the installation: the settings, and its drops."""

from daemon.settings.drops import ASIDE, Afterwards, DropSettings, FtpDrop, FtpsDrop, HttpDrop, LocalDrop, SftpDrop
from daemon.settings.oidc import Oidc
from daemon.settings.person import EMAIL, Person
from daemon.settings.settings import FILE, Entity, Mail, Sandbox, Settings, load

__all__ = [
    "ASIDE",
    "EMAIL",
    "FILE",
    "Afterwards",
    "DropSettings",
    "Entity",
    "FtpDrop",
    "FtpsDrop",
    "HttpDrop",
    "LocalDrop",
    "Mail",
    "Oidc",
    "Person",
    "Sandbox",
    "Settings",
    "SftpDrop",
    "load",
]
