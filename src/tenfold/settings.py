"""Settings from the environment: prefix `TENFOLD_`."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """How this server runs.

    `roots` are the folders that it may read for import, separated by `:`; `hosts` further names that it answers to,
    separated by commas, for a server that people reach by a name of their own network. `upload_quota_mb` is what all
    uploads of a person may have that no dataset was made of yet. `internal_hosts` (`HOST` or `HOST:PORT`, separated by
    commas) are hosts of the own network that imports may ask all the same. `web_import` allows imports from the web.
    `hub` is the address of the hub that `hub:OWNER/REPO@REVISION` means, or of a mirror of it.
    """

    model_config = SettingsConfigDict(env_prefix="TENFOLD_")

    data: Path = Field(default_factory=lambda: Path.home() / ".tenfold")
    host: str = Field("127.0.0.1", min_length=1)
    hosts: Annotated[list[str], NoDecode] = Field(default_factory=list)
    port: int = Field(5000, ge=0, le=65535)
    roots: Annotated[list[Path], NoDecode] = Field(default_factory=lambda: [Path.home()])
    max_upload_mb: int = Field(20_000, ge=1)
    upload_quota_mb: int = Field(100_000, ge=1)
    web_import: bool = False
    internal_hosts: Annotated[list[str], NoDecode] = Field(default_factory=list)
    hub: str = Field("https://huggingface.co", pattern=r"^https?://[^\s@]+$")
    cpu_jobs: int = Field(1, ge=1, le=64)

    @field_validator("roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @field_validator("hosts", "internal_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("data", "roots")
    @classmethod
    def _absolute(cls, value: Path | list[Path]) -> Path | list[Path]:
        if isinstance(value, Path):
            return value.expanduser().resolve()
        return [path.expanduser().resolve() for path in value]

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
