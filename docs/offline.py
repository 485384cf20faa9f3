"""List what pages of a built site would fetch from elsewhere, with status 1: `python docs/offline.py build/site`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_REMOTE = re.compile(r"(?i)^\s*(https?:)?//")
_IN_STYLE = re.compile(r"""(?i)(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""")
# A browser follows these of a link element by itself; `canonical`, `next` and the like are for search engines.
_FETCHED = frozenset(
    {"stylesheet", "icon", "preconnect", "dns-prefetch", "preload", "prefetch", "modulepreload", "manifest"}
)
_SOURCES = ("src", "srcset", "poster", "data")


class _Resources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        named = [values[name] for name in _SOURCES if name in values]
        if tag == "link" and _FETCHED & set(values.get("rel", "").lower().split()):
            named.append(values.get("href", ""))
        self.found += [address for address in named if _REMOTE.match(address)]
        self.found += _IN_STYLE.findall(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.found += _IN_STYLE.findall(data)


def fetched_from_elsewhere(site: Path) -> Iterator[tuple[Path, str]]:
    for page in sorted(site.rglob("*.html")):
        resources = _Resources()
        resources.feed(page.read_text(encoding="utf-8"))
        yield from ((page, address) for address in resources.found)
    for sheet in sorted(site.rglob("*.css")):
        yield from ((sheet, address) for address in _IN_STYLE.findall(sheet.read_text(encoding="utf-8")))


def main(site: Path) -> int:
    if not (site / "index.html").is_file():
        print(f"{site}: expected a built site, got no index.html: run make docs", file=sys.stderr)
        return 2
    found = list(fetched_from_elsewhere(site))
    for page, address in found:
        print(f"{page}: is fetched from elsewhere when the page is looked at: {address}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
