"""Who may see what: people who sign in, and screens that carry a token."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import argon2
from argon2.exceptions import InvalidHashError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from operations.projects.project_block import Language
from operations.projects.text import MaybeName, Name

Role = Literal["admin", "manager", "supervisor", "lead", "client"]
SEE_ALL: frozenset[str] = frozenset({"admin", "manager"})
"""Roles that see every project unless their entry names some."""

SHORTEST_SECRET = 32
_TOKEN = re.compile(r"sha256:[0-9a-f]{64}")
_LOCAL = ("localhost", "127.0.0.1", "::1")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Grant(_Strict):
    """What somebody may do and see."""

    role: Role = Field(description="admin, manager, supervisor, lead or client")
    projects: tuple[str, ...] | None = Field(
        None, description="the projects that this person sees; an admin or manager without a list sees all"
    )
    kpis: tuple[str, ...] | None = Field(
        None, description="of a client: a list of the KPIs that it sees; those of the project's wall when absent"
    )


class _Known(_Strict):
    name: Name = Field(description="a name that no other entry of the list has")
    password: SecretStr = Field(description="the argon2 hash of the password, $argon2id$…")

    @field_validator("password")
    @classmethod
    def _is_hash(cls, password: SecretStr) -> SecretStr:
        try:
            argon2.extract_parameters(password.get_secret_value())
        except InvalidHashError:
            raise ValueError(
                "is not an argon2 hash; let `python app.py user passwd NAME` write the $argon2id$… here, never the password"
            ) from None
        return password


class User(Grant, _Known):
    """A person who signs in. ``password`` is an argon2 hash, never the password."""

    language: Language | None = Field(None, description="this person's language; the project's or site's when absent")


class Screen(_Strict):
    """A wall screen. ``token`` is the SHA-256 of its token, never the token."""

    name: Name = Field(description="a name that no other entry of the list has")
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


class OpenId(_Strict):
    """Sign-in by an OpenID Connect provider. Who has none of the ``roles`` may not come in."""

    issuer: str = Field(description="the provider's address, as its own discovery document writes it", max_length=500)
    client_id: str = Field(description="the id under which the provider knows Floorlight", min_length=1, max_length=300)
    client_secret: SecretStr = Field(description="the secret that belongs to client_id")
    label: MaybeName = Field("", description="what the button on the sign-in page calls the provider")
    scope: str = Field("openid email profile", description="what is asked of the provider; openid is always among it")
    name_claim: str = Field("email", description="the claim that names a person", min_length=1, max_length=100)
    roles_claim: str = Field(
        "groups",
        description="the claim that lists a person's groups; a.b is b inside of a",
        min_length=1,
        max_length=200,
    )
    roles: dict[str, Grant] = Field(description="a mapping from a value of roles_claim to role, projects and kpis")
    session_h: float = Field(
        12,
        ge=0.25,
        le=168,
        description="hours after which a person is asked anew by the provider, whose word is as old as that",
    )

    @field_validator("issuer")
    @classmethod
    def _https(cls, issuer: str) -> str:
        place = urlsplit(issuer)
        if (place.scheme == "https" and place.hostname) or (place.scheme == "http" and place.hostname in _LOCAL):
            return issuer
        raise ValueError("is not the address of a provider; write https://login.example.com")

    @field_validator("scope")
    @classmethod
    def _openid(cls, scope: str) -> str:
        return scope if "openid" in scope.split() else f"openid {scope}".strip()


class Access(_Strict):
    """Everybody who may look. Present, even when empty: nobody else may."""

    users: tuple[User, ...] = Field((), description="a list of people who sign in")
    screens: tuple[Screen, ...] = Field((), description="a list of wall screens that carry a token")
    openid: OpenId | None = Field(None, description="people who sign in by an OpenID Connect provider")
    session_h: float = Field(
        12, ge=0.25, le=744, description="hours without a request after which a person has to sign in again"
    )
    secret: SecretStr | None = Field(
        None,
        description=f"what signs the sessions, at least {SHORTEST_SECRET} characters; one of its own, kept in Redis, when absent",
    )

    @field_validator("secret")
    @classmethod
    def _long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"is too short; give at least {SHORTEST_SECRET} random characters, or leave it out")
        return secret
