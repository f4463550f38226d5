"""A summary as one HTML file that opens offline, without scripts and without loading anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache

import jinja2
from markupsafe import Markup

from twinset.report.compared import compared
from twinset.report.ranking import RULE, SHOWN, Ranking
from twinset.report.view_model import Summary
from twinset.report.wording import figure, span
from twinset.results import Audit
from twinset.trust.measures import measure_of
from twinset.version import __version__

__all__ = ["render", "render_generators", "render_ranking"]


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("twinset.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def render(summary: Summary) -> str:
    """Return the report as HTML text.

    The page's content security policy forbids scripts and every load; its one style sheet is
    admitted by its hash. Equal summaries give equal text.
    """
    return _page("report.html.j2", s=summary)


def render_generators(audits: Mapping[str, Audit], summaries: Mapping[str, Summary]) -> str:
    """Return a page with attacks by generators, then what is known of each of them."""
    first = next(iter(summaries.values()))
    return _page("generators.html.j2", compared=compared(audits), summaries=summaries, first=first)


def render_ranking(
    ranking: Ranking, folders: Mapping[str, str], audits: Mapping[str, Audit] | None = None
) -> str:
    """Return a page that holds several releases side by side.

    `folders` names the folder of each release's own report, beside the page; `audits` are shown as
    attacks by releases.
    """
    ranked = ranking.rows
    known = {k: m for k in SHOWN if (m := measure_of(k)) and any(r[k] is not None for r in ranked)}
    figures = {r["release"]: [figure(r[k], m.unit) for k, m in known.items()] for r in ranked}
    titles = [m.title for m in known.values()]
    across = None
    if ranking.crossed is not None:
        c = ranking.crossed
        rows = zip(c.names, c.matrix, c.low, c.high, strict=True)
        cells = {
            n: [f"{figure(v)} ({span(a, b)})" for v, a, b in zip(*row, strict=True)]
            for n, *row in rows
        }
        across = {"names": c.names, "score": c.score.upper(), "cells": cells}
    return _page(
        "ranking.html.j2",
        r=ranking,
        rule=RULE,
        titles=titles,
        figures=figures,
        folders=folders,
        across=across,
        a=compared(audits or {}),
    )


def _page(name: str, **shown: object) -> str:
    environment = _environment()
    loader = environment.loader
    if loader is None:  # pragma: no cover - set above
        raise RuntimeError("the report's templates have no loader")
    style = loader.get_source(environment, "style.css")[0].strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(name).render(
        **shown,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=f"sha256-{digest}",
        version=__version__,
    )
