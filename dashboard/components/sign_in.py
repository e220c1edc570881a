"""The sign-in page: a whole document of its own, without a script, so that it works wherever a browser does."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from dashboard.document import FONT, asset
from dashboard.i18n import LANGUAGES, Words

NAMES = {"en": "English", "zh-Hans": "简体中文", "zh-Hant": "繁體中文"}
"""Each language in its own words."""


@dataclass(frozen=True)
class SignIn:
    """What the page shows.

    ``token``: of its form, "" while nobody can sign in; ``wanted``: where to go afterwards; ``chosen``: the language that was
    chosen here, "" for none; ``openid``: what the provider is called, "" where there is none.
    """

    site: str
    token: str
    wanted: str = "/"
    name: str = ""
    chosen: str = ""
    error: str = ""
    openid: str = ""
    by_password: bool = True


def sign_in_page(page: SignIn, words: Words) -> str:
    """The whole HTML document; every text in it is escaped."""
    parts = [_error(page)]
    if page.by_password:
        parts.append(_form(page, words))
    if page.openid:
        parts.append(_provider(page, words))
    return f"""<!DOCTYPE html>
<html lang="{escape(words.language)}" data-surface="desk">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta name="robots" content="noindex, nofollow">
<title>{escape(words("Sign in"))} · {escape(page.site)}</title>
<link rel="icon" href="data:,">
<link rel="preload" as="font" type="font/woff2" href="/assets/{FONT}" crossorigin>
<link rel="stylesheet" href="{asset("tokens.css")}">
<link rel="stylesheet" href="{asset("sign_in.css")}">
</head>
<body class="sign">
<main class="sign-card">
<header class="sign-head">
<svg class="sign-mark" viewBox="0 0 44 24" aria-hidden="true"><rect x="0" y="14" width="8" height="10" rx="2"/><rect x="12" y="8" width="8" height="16" rx="2"/><rect x="24" y="11" width="8" height="13" rx="2"/><rect class="sign-mark-lit" x="36" y="0" width="8" height="24" rx="2"/></svg>
<p class="sign-site">{escape(page.site)}</p>
<h1 class="sign-title">{escape(words("Sign in"))}</h1>
</header>
{"".join(parts)}
</main>
<footer class="sign-foot">
{_languages(page, words)}
<a class="sign-link" href="/pair">{escape(words("This is a screen on the wall"))}</a>
</footer>
</body>
</html>"""


def _error(page: SignIn) -> str:
    return f'<p class="sign-error" id="error" role="alert">{escape(page.error)}</p>' if page.error else ""


def _form(page: SignIn, words: Words) -> str:
    wrong = ' aria-invalid="true" aria-describedby="error"' if page.error else ""
    first, second = ("", " autofocus") if page.name else (" autofocus", "")
    off = "" if page.token else " disabled"
    return f"""<form class="sign-form" method="post" action="/sign-in">
<input type="hidden" name="csrf" value="{escape(page.token)}">
<input type="hidden" name="next" value="{escape(page.wanted)}">
<input type="hidden" name="language" value="{escape(page.chosen)}">
<label class="sign-field"><span>{escape(words("Name"))}</span>
<input name="name" type="text" value="{escape(page.name)}" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" maxlength="200" required{first}{wrong}></label>
<label class="sign-field"><span>{escape(words("Password"))}</span>
<input name="password" type="password" autocomplete="current-password" maxlength="1024" required{second}{wrong}></label>
<button class="sign-button" type="submit"{off}>{escape(words("Sign in"))}</button>
</form>"""


def _provider(page: SignIn, words: Words) -> str:
    between = f'<p class="sign-or"><span>{escape(words("or"))}</span></p>' if page.by_password else ""
    place = f"/sign-in/openid?{urlencode({'next': page.wanted})}"
    text = escape(words("Sign in with {provider}", provider=page.openid))
    kind = "sign-button sign-other" if page.by_password else "sign-button"
    return f'{between}<a class="{kind}" href="{escape(place)}">{text}</a>'


def _languages(page: SignIn, words: Words) -> str:
    links = []
    for language in LANGUAGES:
        place = f"/sign-in?{urlencode({'next': page.wanted, 'language': language})}"
        here = ' aria-current="true"' if language == words.language else ""
        links.append(
            f'<a class="sign-link" href="{escape(place)}" lang="{language}" hreflang="{language}"{here}>{NAMES[language]}</a>'
        )
    return f'<nav class="sign-languages" aria-label="{escape(words("Language"))}">{"".join(links)}</nav>'
