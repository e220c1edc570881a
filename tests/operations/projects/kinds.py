"""Two kinds of source for these tests: settings only, no wire."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from collectors.collector import SourceSettings


class PbxSettings(SourceSettings):
    host: str = Field(description="the PBX's address")
    port: int = Field(5038, ge=1, le=65535, description="the port, 1 to 65535")
    username: str = Field("wallboard", description="the user's name")
    password: SecretStr = Field(description="the user's password")

    @field_validator("host")
    @classmethod
    def _no_scheme(cls, host: str) -> str:
        if "://" in host:
            raise ValueError(f"{host} is an address with a scheme; write the host alone")
        return host


class ToySettings(SourceSettings):
    seed: int = Field(7, description="the seed")


class Pbx:
    kind = "pbx"
    Settings = PbxSettings


class Toy:
    kind = "toy"
    Settings = ToySettings


KINDS = {"pbx": Pbx, "toy": Toy}
