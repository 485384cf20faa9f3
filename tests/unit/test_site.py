"""The documentation as a site, without its generator: each page is in the navigation, each link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = [path for path in sorted(DOCS.rglob("*.md")) if DOCS / "examples" not in path.parents]
NAVIGATION: Final = re.findall(r"(?m)^ +- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
LINKED: Final = [*PAGES, ROOT / "README.md", *sorted(ROOT.glob("[CS]*.md"))]
PARTS: Final = {"tutorial", "how-to", "reference", "explanation", "diagnoses", "contributing"}


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"(?ms)^( *)```.*?^\1```$", "", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as Python-Markdown makes them; a second one of a name has `_1`."""
    text = prose(path)
    found: list[str] = re.findall(r'(?:id="|\{ *#)([\w-]+)', text)
    for heading in re.findall(r"(?m)^#{1,6} (.+?)(?: *\{[^}]*\})?$", text):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", heading)
        found.append(
            re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain.encode("ascii", "ignore").decode()).strip().lower())
        )
    return {
        name if number == 0 else f"{name}_{number}" for name, count in Counter(found).items() for number in range(count)
    }


def dead_links(path: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(path))):
        name, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = Path(os.path.normpath(path.parent / name)) if name else path
        inside = DOCS not in path.parents or DOCS in target.parents
        if not target.exists() or not inside or (anchor and anchor not in anchors(target)):
            yield link


def test_each_page_is_in_the_navigation_once() -> None:
    assert Counter(NAVIGATION) == Counter(str(path.relative_to(DOCS)) for path in PAGES)


def test_pages_are_in_the_parts_of_the_site() -> None:
    assert {Path(name).parts[0] for name in NAVIGATION} - {"index.md", "changelog.md"} <= PARTS


@pytest.mark.parametrize("path", LINKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert list(dead_links(path)) == []


def published(text: str) -> Iterator[tuple[str, str]]:
    """Return the site's addresses in a text: the path below `latest/`, and the anchor."""
    yield from re.findall(r"https://pytest-foreignthread\.readthedocs\.io/en/latest/([\w./-]*)(?:#([\w-]+))?", text)


def is_published(path: str, anchor: str) -> bool:
    source = DOCS / f"{path.rstrip('/') or 'index'}.md"
    if source.is_file():
        return not anchor or anchor in anchors(source)
    return (DOCS / path / "index.md").is_file() or (DOCS / path).is_file()


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "pyproject.toml", "pytest_foreignthread"])
def test_addresses_of_the_site_lead_somewhere(name: str) -> None:
    root = ROOT / name
    files = sorted(root.rglob("*.py")) if root.is_dir() else [root]
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert [
        (path, anchor) for text in texts for path, anchor in published(text) if not is_published(path, anchor)
    ] == []


def test_the_readme_works_on_a_package_index() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(ROOT / "README.md"))
    assert len(links) > 5
    assert [link for link in links if not link.startswith("https://")] == []


def test_the_picture_is_the_report_that_the_tutorial_shows() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "picture.py"), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("[a](other.md)", []),
        ("[a](other.md#a-heading-of-code)", []),
        ("[a](other.md#again_1)", []),
        ("[a](#here)\n# Here", []),
        ("`[a](nowhere.md)` and [b](https://host/nowhere.md)", []),
        ("```text\n[a](nowhere.md)\n```", []),
        ("[a](nowhere.md)", ["nowhere.md"]),
        ("[a](other.md#nothing)", ["other.md#nothing"]),
        ("[a](#gone)", ["#gone"]),
        ("[a](other.md#again_2)", ["other.md#again_2"]),
    ],
)
def test_rule_sees_a_dead_link(tmp_path: Path, text: str, dead: list[str]) -> None:
    (tmp_path / "other.md").write_text("# A heading of `code`!\n## Again\n## Again\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    assert list(dead_links(page)) == dead


def offline(site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DOCS / "offline.py"), str(site)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ('<a href="https://host/page">a link is followed by the reader only</a>', None),
        ('<link rel="canonical" href="https://host/page"><img src="picture.svg">', None),
        ('<img src="https://host/picture.svg">', "https://host/picture.svg"),
        ('<script src="//host/code.js"></script>', "//host/code.js"),
        ('<link rel="preconnect" href="https://host">', "https://host"),
        ('<link rel="stylesheet" href="https://host/s.css">', "https://host/s.css"),
        ("<style>@import 'https://host/s.css';</style>", "https://host/s.css"),
        ('<p style="background: url(https://host/p.png)">', "https://host/p.png"),
    ],
)
def test_what_a_page_fetches_from_elsewhere_is_found(tmp_path: Path, source: str, address: str | None) -> None:
    (tmp_path / "index.html").write_text(source, encoding="utf-8")
    done = offline(tmp_path)
    expected = f"{tmp_path / 'index.html'}: is fetched from elsewhere when the page is looked at: {address}\n"
    assert (done.stdout, done.returncode) == ((expected, 1) if address else ("", 0))


def test_a_style_sheet_that_fetches_a_font_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("", encoding="utf-8")
    (tmp_path / "site.css").write_text("@font-face { src: url('https://host/font.woff2') }", encoding="utf-8")
    assert offline(tmp_path).returncode == 1


def test_a_site_that_is_not_built_is_no_good_site(tmp_path: Path) -> None:
    done = offline(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "run make docs" in done.stderr


def test_make_docs_is_strict_and_looks_at_what_it_built() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^docs:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe
    assert [step for step in ("build --strict", "docs/offline.py") if step not in recipe[1]] == []
