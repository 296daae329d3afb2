"""Quoted numbers enter the text through the ledger of claims, and the ledger is whole."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from hrm_course.models.variants import TABLE_1, TABLE_2

ROOT = Path(__file__).parents[1]
LEDGER = ROOT / "book" / "_data" / "claims.csv"
BIBLIOGRAPHY = (ROOT / "book" / "references.bib").read_text("utf-8")
CERTAINTIES = {"paper", "reproduction", "third party", "re-implementation"}
VERDICTS = {"holds here", "does not", "not testable here"}
CITATION = r"\{(?:cite[a-z:]*|claim)\}`[^`]+`"
# What a bare quoted number looks like: a percentage, points, millions, an accuracy as 87.4, a
# count of seven digits or more.
NUMBER = re.compile(
    r"\d[\d.,]*\s?%|\d[\d.,]*\s?points|\d[\d.,]*\s?(?:M\b|million|billion)"
    r"|(?<![\d.])\d{2}\.\d|\d{1,3},\d{3},\d{3}"
)


def ledger() -> list[dict]:
    with LEDGER.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pages() -> dict[str, str]:
    """The text of every page; code cells of notebooks are fenced."""
    found = {path.name: path.read_text("utf-8") for path in ROOT.glob("book/*.md")}
    for path in [*ROOT.glob("book/*.ipynb"), *ROOT.glob("solutions/*.ipynb")]:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        sources = [(c["cell_type"], "".join(c["source"])) for c in cells]
        texts = [s if kind == "markdown" else f"```\n{s}\n```" for kind, s in sources]
        found[f"{path.parent.name}/{path.name}"] = "\n\n".join(texts)
    return found


def words(text: str) -> str:
    """Without code, formulas and addresses; roles stay."""
    text = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.S | re.M)
    text = re.sub(r"(\{[a-z:]+\})?`[^`\n]+`", lambda found: found[0] if found[1] else "", text)
    text = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "", text, flags=re.S)
    return re.sub(r"\]\([^)]*\)", "]", text)


def sentences(text: str) -> list[str]:
    return re.split(r"\n|(?<=[.!?])\s", words(text))


def quoted(text: str) -> list[tuple[str, str]]:
    """Values and keys of the roles; a role of another form has an empty value."""
    roles = re.findall(r"\{claim\}`(.+?)`", text)
    pairs = [re.fullmatch(r"(.*) <(.*)>", role) for role in roles]
    return [pair.groups() if pair else ("", role) for pair, role in zip(pairs, roles, strict=True)]


def read(text: str) -> list[str]:
    """The strings in code cells; chapter 12 takes published numbers from the ledger by key."""
    fences = re.findall(r"^```\n(.*?)^```", text, flags=re.S | re.M)
    return [key for fence in fences for key in re.findall(r'"([a-z0-9-]+)"', fence)]


def faults(rows: list[dict], texts: dict[str, str]) -> list[str]:
    """What is wrong with a ledger and the pages that quote it, in sentences."""
    keys = Counter(row["key"] for row in rows)
    written = {pair for text in texts.values() for pair in quoted(text)}
    roles = {key for _, key in written}
    uses = roles | {key for text in texts.values() for key in read(text)}
    found = [f"two rows have the key {key}" for key, n in keys.items() if n > 1]
    found += [f"no row has the key {key}" for key in roles - keys.keys()]
    values = {row["key"]: row["value"] for row in rows}
    for value, key in written:
        if key in values and value != values[key]:
            found.append(f"{key} is written as {value!r}: write {{claim}}`{values[key]} <{key}>`")
    for row in rows:
        key, listed = row["key"], row["where"].startswith("ledger only")
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key):
            found.append(f"{key} is no anchor: small letters, digits and hyphens")
        if f"{{{row['paper']}," not in BIBLIOGRAPHY:
            found.append(f"{key}: {row['paper']} is not in the bibliography")
        if row["certainty"] not in CERTAINTIES:
            found.append(f"{key}: {row['certainty']} is no certainty")
        if row["verdict"] not in VERDICTS:
            found.append(f"{key}: {row['verdict']} is no verdict")
        if not all(row[name] for name in ("statement", "value", "protocol", "where")):
            found.append(f"{key} has an empty column")
        if row["verdict"] != "not testable here" and not row["ours"]:
            found.append(f"{key} has a verdict without a number of ours")
        if key not in uses and not listed:
            found.append(f"{key} is never quoted: let `where` begin with 'ledger only'")
        if key in uses and listed:
            found.append(f"{key} is quoted: take 'ledger only' from its `where`")
    for page, text in texts.items():
        for sentence in sentences(text):
            bare = NUMBER.search(re.sub(CITATION, "", sentence))
            if bare and re.search(CITATION, sentence):
                found.append(f"{page} has the bare number {bare.group()}: {sentence.strip()}")
    return found


def test_the_ledger_and_the_pages_agree():
    assert faults(ledger(), pages()) == []


ROW = {
    "key": "a-net",
    "paper": "trm2025",
    "statement": "A net solves boards.",
    "value": "12.3 %",
    "protocol": "one number",
    "certainty": "paper",
    "ours": "45 %",
    "verdict": "does not",
    "where": "chapter 12",
}
TEXT = (
    "It solves {claim}`12.3 % <a-net>` of them, as its authors {cite}`trm2025` say. We have 45 %.\n"
)


def test_a_sound_ledger_has_no_fault():
    assert (
        faults([ROW], {"page": TEXT + "`12.3 %` is code {cite}`trm2025`, $12.3$ a formula."}) == []
    )


@pytest.mark.parametrize(
    ("change", "text", "words"),
    [
        ({}, TEXT + "Others {cite}`hrm2025` have 55 %.", "bare number 55 %"),
        ({}, TEXT + "From 55.0 to {claim}`12.3 % <a-net>`.", "bare number 55.0"),
        ({}, TEXT + "`x` {claim}`12.3 % <a-net>` `y` 55 %.", "bare number 55 %"),
        ({}, TEXT + "| HRM | 27M {cite}`hrm2025` |", "bare number 27M"),
        ({}, TEXT + "It has 27,275,266 {cite}`hrm2025`.", "bare number 27,275,266"),
        ({}, TEXT + "It has 27 million {cite}`hrm2025`.", "bare number 27 million"),
        ({}, TEXT + "And {claim}`1 % <a-mule>`.", "no row has the key a-mule"),
        ({}, TEXT + "And {claim}`12 % <a-net>`.", "a-net is written as '12 %'"),
        ({}, TEXT + "And {claim}`a-net`.", "a-net is written as ''"),
        ({}, "Nothing.", "a-net is never quoted"),
        ({"where": "ledger only"}, TEXT, "a-net is quoted"),
        ({"where": "ledger only"}, '```\nledger["a-net"]\n```', "a-net is quoted"),
        ({"paper": "nobody1900"}, TEXT, "nobody1900 is not in the bibliography"),
        ({"verdict": "holds"}, TEXT, "holds is no verdict"),
        ({"certainty": "sure"}, TEXT, "sure is no certainty"),
        ({"ours": ""}, TEXT, "a verdict without a number"),
        ({"protocol": ""}, TEXT, "an empty column"),
    ],
)
def test_a_planted_fault_is_found(change, text, words):
    found = faults([ROW | change], {"page": text})
    assert len(found) == 1 and words in found[0]


def test_a_key_is_one_row_and_an_anchor():
    assert faults([ROW, ROW], {"page": TEXT}) == ["two rows have the key a-net"]
    assert "no anchor" in faults([ROW | {"key": "A net"}], {"page": "{claim}`12.3 % <A net>`"})[0]


def test_the_tables_of_the_library_are_those_of_the_ledger():
    published = {row["value"] for row in ledger() if row["paper"] in ("hrm2025", "trm2025")}
    scores = {f"{row.accuracy} %" for row in (TABLE_1 | TABLE_2).values()}
    assert scores <= published


PAGE = """# A page

It solves {claim}`12.3 % <a-net>`, not {claim}`1 % <a-mule>`.

```{claims}
```

```{bibliography}
```
"""
BOOK = "@misc{trm2025, author={Martineau, A.}, title={Less is more}, year={2025}}"
CONF = """
import pathlib, sys
sys.path.insert(0, "EXTENSIONS")
import claims
claims.LEDGER = pathlib.Path(__file__).with_name("claims.csv")
extensions = ["myst_parser", "sphinxcontrib.bibtex", "claims"]
bibtex_bibfiles = ["references.bib"]
html_theme = "basic"
"""


def test_the_role_shows_value_and_citation_and_leads_to_the_row(tmp_path):
    testing = pytest.importorskip("sphinx.testing.util")
    pytest.importorskip("sphinxcontrib.bibtex")
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "references.bib").write_text(BOOK)
    (tmp_path / "conf.py").write_text(
        CONF.replace("EXTENSIONS", (ROOT / "book" / "_ext").as_posix())
    )
    with (tmp_path / "claims.csv").open("w", newline="") as file:
        csv.writer(file).writerows([ROW.keys(), ROW.values()])
    app = testing.SphinxTestApp(srcdir=tmp_path)
    app.build()
    html = (tmp_path / "_build" / "html" / "index.html").read_text("utf-8")
    warned = app.warning.getvalue()
    app.cleanup()
    assert re.search(r'href="#claim-a-net".{,80}>12\.3\s%<.{,150}title="[^"]*Martineau', html)
    assert html.count('<tr class="row-even" id="claim-a-net">') == 1 and "1 do not" in html
    assert "index.md:3" in warned and "no row" in warned and "a-mule" in warned
    assert warned.count("WARNING") == 1
