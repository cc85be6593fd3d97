"""Renders both forms of an email, its text and its HTML, from one template.

A template is written as text. In HTML a blank line begins a paragraph, and every other line break
stays where it is, so that notes keep their lines.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from django.template import engines
from jinja2 import pass_eval_context
from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.nodes import EvalContext

PARAGRAPH = Markup('<p style="margin:0 0 14px">{}</p>')


def render(name: str, wording: str, context: dict[str, Any]) -> tuple[str, str]:
    """The text and the HTML; the wording's own template goes before the general one."""
    names = [f"{wording}/{name}.jinja"] if wording else []
    text, html = (
        environment.select_template([*names, f"{name}.jinja"]).render(context, layout=layout)
        for environment, layout in zip(
            get_environments(), ("layout.txt", "layout.html"), strict=True
        )
    )
    return text.strip() + "\n", html


@functools.cache
def get_environments() -> tuple[Environment, Environment]:
    """Of the text, which escapes nothing, and of the HTML, which escapes everything."""
    text: Environment = engines["emails"].env  # type: ignore[attr-defined]
    text.filters |= {"paragraphs": format_paragraphs, "strong": format_strong}
    return text, text.overlay(autoescape=True)


def format_paragraphs(text: Markup) -> Markup:
    """Lines as HTML. The text is escaped already."""
    paragraphs = "\n".join(text.strip().splitlines()).split("\n\n")
    lines = (Markup("<br>\n").join(map(Markup, part.split("\n"))) for part in paragraphs)
    return Markup("\n").join(PARAGRAPH.format(part) for part in lines)


@pass_eval_context
def format_strong(context: EvalContext, value: str) -> str:
    return Markup("<strong>{}</strong>").format(value) if context.autoescape else value
