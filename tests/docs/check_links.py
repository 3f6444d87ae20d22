"""Checks that every relative link in the given Markdown files leads to a file, and its #part to a heading of it.

usage: check_links.py FILE_OR_DIRECTORY...
"""

import pathlib
import re
import sys
from urllib.parse import unquote

FENCED = re.compile(r"^ *```.*?^ *```[ ]*$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\s*\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")


def anchors_of(file: pathlib.Path) -> set[str]:
    """The names that a heading can be linked by: lower case, no punctuation, hyphens for spaces."""
    text = FENCED.sub("", file.read_text(encoding="utf-8"))
    anchors = set(ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (unique := f"{name}-{number}" if number else name) in anchors:
            number += 1
        anchors.add(unique)
    return anchors


def broken_links(file: pathlib.Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    text = FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)
    text = INLINE_CODE.sub("", text)
    broken = []
    for link in LINK.finditer(text):
        address = link[1] or link[2]
        if re.match(r"[a-z][a-z0-9+.-]*:", address):
            continue  # another site
        path, _, part = unquote(address).partition("#")
        target = file.parent / path if path else file
        where = f"{file}:{text.count(chr(10), 0, link.start()) + 1}: {address}"
        if not target.exists():
            broken.append(f"{where}: no such file")
        elif part and target.suffix == ".md" and part.lower() not in anchors_of(target):
            broken.append(f"{where}: no such heading")
    return broken


def main() -> int:
    files = []
    for argument in map(pathlib.Path, sys.argv[1:]):
        files += sorted(argument.rglob("*.md")) if argument.is_dir() else [argument] * argument.exists()
    broken = [line for file in files for line in broken_links(file)]
    print(*broken, sep="\n", end="\n" if broken else "", file=sys.stderr)
    print(f"{len(files)} files, {len(broken)} broken links")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
