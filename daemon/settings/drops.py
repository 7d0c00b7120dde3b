"""What an admin says of a drop: where it is, when a file in it is complete, and what becomes of it afterwards."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from daemon.toml import Seconds, Table

ASIDE = "processing"
"""The folder in a drop where a file waits while it is being imported."""

Afterwards = Literal["move", "leave", "delete"]
"""What becomes of a source file: moved to a folder of the drop, left where it is, or deleted (its bytes are in the archive)."""


def _folder(pattern: str) -> str:
    """Check a pattern of folders: relative, its first folder fixed (it is never listed), its gaps known."""
    parts = pattern.split("/")
    if "" in parts or not {".", ".."}.isdisjoint(parts) or "{" in parts[0] or parts[0] == ASIDE:
        raise ValueError('not a folder inside the drop with a name of its own; write "processed" or "processed/{date}"')
    try:
        pattern.format(date="", run="")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("only {date} and {run} may stand in it") from error
    return pattern


Folder = Annotated[str, AfterValidator(_folder)]


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as error:
        raise ValueError("no encoding of that name") from error
    return name


class _Drop(Table):
    poll: Seconds = Field(60, gt=0, description="how often to look")
    settle: Seconds = Field(10, ge=0, description="how long size and mtime must stand still")
    marker: str | None = Field(None, pattern=r"\{(name|stem)\}", description='the file that says one is complete: "{name}.ok"')
    at_once: bool = Field(False, description="files are complete when they appear, for they are put there by a rename")
    include: list[str] = Field(["*"], description="only these names are files of ours")
    ignore: list[str] = Field(["*.part", "*.tmp", "*.filepart", ".*"], description="names that are never files of ours")
    depth: int = Field(0, ge=0, le=10, description="how many levels of subfolders are looked into")
    order: Literal["name", "mtime", "business_date"] = Field("name", description="which of several files comes first")
    batch: int = Field(1000, ge=1, description="how many new files one look takes in")
    imported: Afterwards = Field("move", description="what becomes of an imported file")
    imported_to: Folder = Field("processed", description="where it is moved; {date} and {run} may stand in it")
    refused: Afterwards = Field("move", description="what becomes of a refused file")
    refused_to: Folder = Field("refused", description="where it is moved")
    name_encoding: Annotated[str, AfterValidator(_encoding)] = Field("utf-8", description="how the server writes file names")

    @model_validator(mode="after")
    def _one_rule(self) -> "_Drop":
        if self.at_once and self.marker:
            raise ValueError('"at_once" and "marker" contradict each other')
        return self

    @property
    def never_listed(self) -> frozenset[str]:
        """The folders of the drop that files are moved to."""
        return frozenset({ASIDE, *(each.split("/")[0].casefold() for each in (self.imported_to, self.refused_to))})

    @property
    def sets_aside(self) -> bool:
        """Whether a file is set aside while it is imported; not where it may have to stay where it is."""
        return "leave" not in (self.imported, self.refused)


class LocalDrop(_Drop):
    """A folder of this machine."""

    kind: Literal["local"]
    path: Path = Field(description="the folder; a relative one lies in the home folder")
    poll: Seconds = Field(30, gt=0, description="how often to look, beside being told of changes")


class HttpDrop(_Drop):
    """Files posted to `/api/imports`, with the drop's token."""

    kind: Literal["http"]
    token_file: Path = Field(description="the token that callers show, 20 characters or more")
    max_mb: int = Field(1024, ge=1, description="the largest file that is taken")
    at_once: bool = Field(True, description="posts are complete when they are there")
    shortest_token: ClassVar[int] = 20
    depth: Literal[1] = Field(1, description="each post has a folder of its own")
    imported: Afterwards = Field("delete", description="what becomes of an imported file")
    refused: Afterwards = Field("delete", description="what becomes of a refused file")

    @property
    def sets_aside(self) -> bool:
        """Each post has a name of its own, so none needs setting aside."""
        return False


class _Server(_Drop):
    host: str = Field(description="the server")
    path: str = Field(".", description="the folder, from where the login leads")
    username: str = Field(description="whom to log in as")
    password_file: Path | None = Field(None, description="the file with the password; or NIGHTPORTER_<DROP>_PASSWORD")
    timeout: Seconds = Field(30, gt=0, description="the longest silence on any one step")
    deadline: Seconds = Field(3600, gt=0, description="the longest a whole fetch may take")


class SftpDrop(_Server):
    """A folder on an SFTP server."""

    kind: Literal["sftp"]
    port: int = Field(22, description="its port")
    key_file: Path | None = Field(None, description="the private key; its passphrase is NIGHTPORTER_<DROP>_PASSPHRASE")
    legacy: bool = Field(False, description="also agree on ciphers and MACs of old servers: 3DES, CBC, SHA-1, MD5")
    agent: bool = Field(False, description="log in with the keys of the running ssh-agent")
    host_keys: list[str] = Field(
        [], description='"ssh-ed25519 AAAA…", several while keys rotate; nightporter check --pin shows it'
    )


class FtpsDrop(_Server):
    """A folder on an FTP server, encrypted."""

    kind: Literal["ftps"]
    port: int | None = Field(None, description="its port; 21, or 990 where implicit")
    implicit: bool = Field(False, description="encrypted from the first byte (port 990) instead of by AUTH TLS (port 21)")
    ca_file: Path | None = Field(None, description="certificates to trust instead of the system's")


class FtpDrop(_Server):
    """A folder on an FTP server, in the clear: password and files can be read on the way."""

    kind: Literal["ftp"]
    port: int = Field(21, description="its port")
    insecure: Literal[True] = Field(description="say true if you accept that anybody on the way can read it all")


DropSettings = Annotated[LocalDrop | HttpDrop | SftpDrop | FtpsDrop | FtpDrop, Field(discriminator="kind")]
