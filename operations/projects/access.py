"""Who may see what: people who sign in, and screens that carry a token."""

from __future__ import annotations

import re
from typing import Literal

import argon2
from argon2.exceptions import InvalidHashError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from operations.projects.text import Name

Role = Literal["admin", "manager", "supervisor", "lead", "client"]
SEE_ALL: frozenset[str] = frozenset({"admin", "manager"})
"""Roles that see every project unless their entry names some."""

_TOKEN = re.compile(r"sha256:[0-9a-f]{64}")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="a name that no other entry of the list has")


class User(_Entry):
    """A person who signs in. ``password`` is an argon2 hash, never the password."""

    password: SecretStr = Field(description="the argon2 hash of the password, $argon2id$…")
    role: Role = Field(description="admin, manager, supervisor, lead or client")
    projects: tuple[str, ...] | None = Field(
        None, description="the projects that this person sees; an admin or manager without a list sees all"
    )

    @field_validator("password")
    @classmethod
    def _is_hash(cls, password: SecretStr) -> SecretStr:
        try:
            argon2.extract_parameters(password.get_secret_value())
        except InvalidHashError:
            raise ValueError(
                "is not an argon2 hash; hash the password with argon2 and write the $argon2id$… here, never the password"
            ) from None
        return password


class Screen(_Entry):
    """A wall screen. ``token`` is the SHA-256 of its token, never the token."""

    token: SecretStr = Field(description="sha256: and the SHA-256 of the screen's token, 64 hexadecimal digits")
    projects: tuple[str, ...] = Field(description="a list of the projects that this screen may show")

    @field_validator("token")
    @classmethod
    def _is_hash(cls, token: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError(
                "is not a hash; write sha256: and the 64 lower-case hexadecimal digits of the token's SHA-256, never the token"
            )
        return token


class Access(BaseModel):
    """Everybody who may look. Present, even when empty: nobody else may."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    users: tuple[User, ...] = Field((), description="a list of people who sign in")
    screens: tuple[Screen, ...] = Field((), description="a list of wall screens that carry a token")
