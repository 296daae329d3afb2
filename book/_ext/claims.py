"""Quoted numbers: the role ``claim`` and the ledger that it leads to.

{claim}`87.4 % <key>` shows the value of a row of ``book/_data/claims.csv`` and the citation of its
paper; the value leads to the row in the ledger, which the directive ``claims`` draws from the same
file. The value is written out, and has to be the row's, because JupyterLab knows no such role and
shows what stands between the quotes.
"""

import csv
import re
from collections import Counter
from itertools import groupby
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinxcontrib.bibtex.roles import CiteRole

LEDGER = Path(__file__).parents[1] / "_data" / "claims.csv"
COLUMNS = ("What is said", "By whom", "What we measured")
LOGGER = logging.getLogger(__name__)


def rows() -> list[dict]:
    """The claims in the order of the file."""
    with LEDGER.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Claim(SphinxRole):
    """{claim}`value <key>`: the value, then its citation."""

    def run(self) -> tuple[list[nodes.Node], list]:
        self.env.note_dependency(str(LEDGER))
        value, key = re.fullmatch(r"(.*?) ?(?:<(.*)>)?", self.text).groups()
        row = {row["key"]: row for row in rows()}.get(key)
        if row is None or row["value"] != value:
            message = "{claim}`%s`: no row of book/_data/claims.csv has this value and key"
            LOGGER.warning(message, self.text, location=self.get_location())
            return [nodes.literal("", self.text)], []
        value = pending_xref(
            "",
            nodes.inline("", value_of(row), classes=["claim"]),
            refdomain="std",
            reftype="ref",
            reftarget=label(row),
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        cited, messages = self.cite(row["paper"])
        return [value, nodes.Text("\N{NO-BREAK SPACE}"), *cited], messages

    def cite(self, paper: str) -> tuple[list[nodes.Node], list]:
        return CiteRole()(
            "cite", f"{{cite}}`{paper}`", paper, self.lineno, self.inliner
        )


class Ledger(SphinxDirective):
    """``claims``: how the verdicts fall, and a table of the rows for each paper."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(LEDGER))
        every = rows()
        said = Counter(row["verdict"] for row in every)
        shown = [
            self.paragraph(
                f"{len(every)} claims: {said['holds here']} hold here, {said['does not']} do not, "
                f"{said['not testable here']} can't be tested here."
            )
        ]
        papers = list(dict.fromkeys(row["paper"] for row in every))
        every.sort(key=lambda row: papers.index(row["paper"]))
        for paper, group in groupby(every, key=lambda row: row["paper"]):
            by = self.paragraph(f"{{cite:t}}`{paper}`").children
            shown += [nodes.rubric("", "", *by), self.table(list(group))]
        return shown

    def table(self, group: list[dict]) -> nodes.table:
        table = nodes.table("", classes=["claims"])
        body = nodes.tgroup("", cols=len(COLUMNS))
        body += [nodes.colspec(colwidth=width) for width in (40, 25, 35)]
        head = nodes.row(
            "", *(nodes.entry("", nodes.paragraph("", c)) for c in COLUMNS)
        )
        body += nodes.thead("", head)
        body += nodes.tbody("", *map(self.line, group))
        table += body
        return table

    def line(self, row: dict) -> nodes.row:
        line = nodes.row("", ids=[label(row)])
        domain = self.env.get_domain("std")
        domain.anonlabels[label(row)] = self.env.docname, label(row)
        source = f"**{value_of(row)}** {{cite}}`{row['paper']}`"
        how = f"{row['certainty']}: {row['protocol']}"
        ours = (f"**{row['verdict']}**", row["ours"], row["where"])
        for texts in ((row["statement"],), (source, how), ours):
            line += nodes.entry("", *map(self.paragraph, filter(None, texts)))
        return line

    def paragraph(self, text: str) -> nodes.paragraph:
        inline, messages = self.state.inline_text(text, self.lineno)
        return nodes.paragraph("", "", *inline, *messages)


def value_of(row: dict) -> str:
    """The value, with a percent sign that no line break parts from its number."""
    return row["value"].replace(" %", "\N{NO-BREAK SPACE}%")


def label(row: dict) -> str:
    """The anchor of a row in the ledger."""
    return f"claim-{row['key']}"


def setup(app: Sphinx) -> dict:
    app.add_role("claim", Claim())
    app.add_directive("claims", Ledger)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
