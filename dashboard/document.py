"""The HTML document around a page, with a first paint that waits for nothing.

Dash draws a page only after its own scripts (some 1.4 MB) have arrived and asked for the layout. So the document
carries the same tree as static HTML, and loads the script that writes the numbers before Dash's; that script puts
the static tree's elements in the place of Dash's own once that stands (of a page that has a script of ours: what
somebody has typed meanwhile stays), or takes the static tree away.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import unquote

import dash
from dash.development.base_component import Component

from dashboard.components.static_html import static_html
from dashboard.context import here

ASSETS = Path(__file__).resolve().parent.parent / "assets"
FONT = "fonts/inter-latin-wght-normal.woff2"


def document(path: str, query: Mapping[str, str], **parts: str) -> str:
    """The whole document for the page at ``path``; ``parts`` are what Dash's ``interpolate_index`` gets."""
    context = here()
    surface = "wall" if path == "/wall" or path.startswith("/wall/") else "desk"
    tree = first_tree(path, query)
    mark = f"m={fingerprint(ASSETS)}"
    early = "".join(f'\n<link rel="modulepreload" href="/assets/{name}.mjs?{mark}">' for name in scripts(tree))
    return f"""<!DOCTYPE html>
<html lang="{escape(language(path))}" data-surface="{surface}">
<head>
{parts.get("metas", "")}
<meta name="csrf" content="{escape(context.account.token)}">
<title>{parts.get("title", "")}</title>
<link rel="preload" as="font" type="font/woff2" href="/assets/{FONT}" crossorigin>
{parts.get("css", "")}
<script type="module" async src="/assets/live.mjs?{mark}"></script>{early}
{parts.get("favicon", "")}
</head>
<body>
<div id="first-paint">{static_html(tree)}</div>
{parts.get("app_entry", "")}
<footer class="dash-scripts">{parts.get("config", "")}{parts.get("scripts", "")}{parts.get("renderer", "")}</footer>
</body>
</html>"""


def language(path: str) -> str:
    """The language of the page at ``path``: the reader's, else that of the project that it is about, else the site's."""
    context = here()
    for page in dash.page_registry.values():
        variables = match(path, page["path_template"] or page["path"])
        if variables is not None:
            return context.words(context.project(variables.get("project", ""))).language
    return context.words().language


def first_tree(path: str, query: Mapping[str, str]) -> Component | None:
    """The tree that Dash will draw for ``path``; None for a path that has no page."""
    for page in dash.page_registry.values():
        variables = match(path, page["path_template"] or page["path"])
        if variables is not None and callable(page["layout"]):
            tree: Component = page["layout"](**{**query, **variables})
            return tree
    return None


def scripts(tree: Component | None) -> tuple[str, ...]:
    """The scripts that ``live.mjs`` will ask for to draw ``tree``, so that a browser fetches them at once and not one after the other."""
    told = tree.to_plotly_json()["props"].get("data-page") if tree else None
    if not told:
        return ()
    name = json.loads(told)["page"]
    return imported(name if (ASSETS / f"{name}.mjs").exists() else "desk")


@cache
def imported(name: str) -> tuple[str, ...]:
    """A script of ``assets/`` and all that it imports."""
    found = [name]
    for each in found:
        text = (ASSETS / f"{each}.mjs").read_text()
        found += [other for other in re.findall(r"import\(`\./(\w+)\.mjs", text) if other not in found]
    return tuple(found)


def match(path: str, template: str) -> dict[str, str] | None:
    """The variables of ``path`` by a page's template, such as ``/wall/<project>``; None when it does not fit."""
    pattern = re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", template.strip("/"))
    found = re.fullmatch(pattern, unquote(path).strip("/"))
    return found.groupdict() if found else None


@cache
def asset(name: str) -> str:
    """The address of a file in ``assets/`` that a browser may keep for ever, for pages that Dash does not make."""
    return f"/assets/{name}?m={hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]}"


@cache
def fingerprint(folder: Path) -> str:
    """What changes when one of the scripts does; for addresses that a browser may keep for ever."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.mjs")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
