"""Every work that is cited has an entry, every entry is cited, and its numbers have the right form."""

import csv
import re
from pathlib import Path

import pytest

parse_file = pytest.importorskip("pybtex.database").parse_file  # comes with the book

ROOT = Path(__file__).parents[1]
ENTRIES = parse_file(ROOT / "book" / "references.bib").entries
PAGES = [*ROOT.glob("book/*.md"), *ROOT.glob("book/*.ipynb"), *ROOT.glob("solutions/*.ipynb")]
FORMS = {
    "eprint": r"\d{4}\.\d{4,5}",
    "doi": r"10\.\d{4,9}/\S+",
    "url": r"https://\S+",
    "year": r"\d{4}",
    "pages": r"\d+(--\d+)?",
}


def cited() -> set[str]:
    found = (re.findall(r"\{cite[a-z:]*\}`([^`]+)`", p.read_text("utf-8")) for p in PAGES)
    with (ROOT / "book" / "_data" / "claims.csv").open(encoding="utf-8") as file:
        claimed = {row["paper"] for row in csv.DictReader(file)}
    return claimed | {key.strip() for page in found for keys in page for key in keys.split(",")}


def test_entries_and_citations_are_the_same_works():
    assert cited() - ENTRIES.keys() == set(), "cited, but without an entry"
    assert ENTRIES.keys() - cited() == set(), "never cited"


@pytest.mark.parametrize("key", sorted(ENTRIES))
def test_an_entry_is_whole(key):
    entry = ENTRIES[key]
    fields = {name.lower(): value for name, value in entry.fields.items()}
    for name, form in FORMS.items():
        assert re.fullmatch(form, fields.get(name, "")) or name not in fields, (name, fields[name])
    assert "eprint" not in fields or fields["archiveprefix"] == "arXiv"
    assert {"title", "year"} <= fields.keys() and entry.persons.get("author")
    assert "arXiv" not in fields.get("note", ""), "an arXiv number in a note is no link"
