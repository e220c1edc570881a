"""Who reads a page, in which language, and the way out: the small menu in the head of the desk pages. It needs no script."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.sign_in import NAMES
from dashboard.context import Account
from dashboard.i18n import LANGUAGES, Words

ROLES: tuple[str, ...] = ("admin", "manager", "supervisor", "lead", "client")
"""What the roles are called, in English."""


def account(who: Account, words: Words) -> Component:
    """The menu. Its buttons carry the token that proves the form to be ours."""
    summary: list[Component] = []
    if who.name:
        summary.append(html.Span(who.name, className="account-name"))
    summary.append(html.Span(NAMES[words.language], className="account-language", lang=words.language))
    return html.Details(
        [
            html.Summary(summary, className="account-open", title=words("Account and language")),
            html.Div([_languages(who, words), *_person(who, words)], className="account-menu"),
        ],
        className="account",
    )


def _languages(who: Account, words: Words) -> Component:
    buttons = [
        html.Button(
            NAMES[language],
            type="submit",
            name="csrf",
            value=who.token,
            formAction=f"/language?to={language}",
            className="account-choice",
            lang=language,
            **({"aria-current": "true"} if language == words.language else {}),
        )
        for language in LANGUAGES
    ]
    return html.Form(buttons, method="post", action="/language", className="account-languages")


def _person(who: Account, words: Words) -> list[Component]:
    if not who.name:
        return []
    role = words(who.role) if who.role in ROLES else ""
    told: list[Component] = [
        html.P(
            [
                html.Span(words("Signed in as {name}", name=who.name), className="account-who"),
                html.Span(role, className="account-role"),
            ],
            className="account-person",
        )
    ]
    if who.signed_in:
        leave = html.Button(words("Sign out"), type="submit", name="csrf", value=who.token, className="account-leave")
        told.append(html.Form(leave, method="post", action="/sign-out"))
    return told
