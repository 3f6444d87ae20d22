"""Builds the documentation as a site: the pages of docs/, the examples, and a reference made from the public headers.

usage: build.py --output DIR

The pages stay plain Markdown that reads well where the repository is hosted. What a site needs beyond that is added to
copies of them in DIR.work: the order of the pages is that of the links in docs/index.md, links into the repository
become links within the site, and programs of examples/ become pages. Sphinx (MyST, Furo) makes the HTML; Doxygen reads
the comments. Nothing is fetched, now or when the pages are read.

Fails when a page is missing from docs/index.md or an example from examples/README.md, when a link leads nowhere, when
Doxygen or Sphinx warns, and when something public has no comment.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlparse

sys.dont_write_bytecode = True
import doxygen  # noqa: E402
import reference  # noqa: E402
import theme  # noqa: E402

SITE = pathlib.Path(__file__).resolve().parent
ROOT = SITE.parent.parent
DOCS = ROOT / "docs"

# Pages that are not in docs/, and where the site has them.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples/index.md",
    "examples": "examples/index.md",
    "io/green/green.hpp": "reference/index.md",
}
FENCED = re.compile(r"^ *```.*?^ *```[ ]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<address>[^)\s]+)\)")
LIST_LINK = re.compile(r"^(?:- |\d+\. )\[[^\]]+\]\(([^)#]+)\)", re.MULTILINE)


class Problems:
    """What is wrong, all of it: one run shows everything that there is to mend."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, sentence: str) -> None:
        self.count += 1
        print(f"docs: {sentence}", file=sys.stderr)


def write_if_changed(file: pathlib.Path, text: str) -> None:
    """So that Sphinx reads only what is new."""
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


# --- links ---------------------------------------------------------------------------------------


def page_of(path: str, headers: dict[str, str]) -> str | None:
    """Where the site has a file of the repository; None if it does not."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    if path.startswith("docs/") and not path.startswith("docs/site/"):
        return path.removeprefix("docs/")
    if re.fullmatch(r"examples/\w+\.cpp", path):
        return path.removesuffix(".cpp") + ".md"
    return headers.get(path)


def with_links_of_site(text: str, source: pathlib.Path, page: str, headers: dict[str, str]) -> str:
    """`text` of the file `source`, with its links as they must be in the page `page` of the site."""

    def link(match: re.Match) -> str:
        address = match["address"]
        if re.match(r"[a-z][a-z0-9+.-]*:|#", address):
            return match[0]
        path, _, part = address.partition("#")
        in_repository = os.path.relpath((source.parent / path).resolve(), ROOT)
        target = page_of(in_repository, headers)
        if target is None:  # a file that the site does not have: its name is enough
            return match["text"] if "`" in match["text"] else f"`{in_repository}`"
        relative = os.path.relpath(target, os.path.dirname(page) or ".")
        return f"{match['image']}[{match['text']}]({relative}{'#' + part if part else ''})"

    parts, end = [], 0
    for block in FENCED.finditer(text):
        parts += [LINK.sub(link, text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(link, text[end:])])


# --- the order of the pages ----------------------------------------------------------------------


def table_of_contents(page: str, text: str, headers: dict[str, str], source: pathlib.Path) -> str:
    """The lists of links of an index, each below its heading, as Sphinx wants them."""
    made = []
    for section in re.split(r"^#{1,2} ", FENCED.sub("", text), flags=re.MULTILINE)[1:]:
        caption = section.partition("\n")[0].strip()
        pages = []
        for address in LIST_LINK.findall(section):
            in_repository = os.path.relpath((source.parent / address).resolve(), ROOT)
            if target := page_of(in_repository, headers):
                pages.append(os.path.relpath(target, os.path.dirname(page) or ".").removesuffix(".md"))
        if pages:
            made += ["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]
    return "\n" + "\n".join(made)


def listed(index: pathlib.Path) -> set[str]:
    """The files of the repository that an index links to."""
    text = FENCED.sub("", index.read_text(encoding="utf-8"))
    return {os.path.relpath((index.parent / address).resolve(), ROOT) for address in LIST_LINK.findall(text)}


# --- the pages -----------------------------------------------------------------------------------


def readme_sections(names: list[str]) -> str:
    """Sections of README.md by their headings; "" is what stands before the first."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n")[2]  # without the title
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    sections = {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}
    return "\n".join((f"## {name}\n" if name else "") + sections[name].strip("\n") + "\n" for name in names)


def with_readme(text: str, page: str, headers: dict[str, str]) -> str:
    """Puts sections of README.md in place of `<!-- README: intro, A program -->`."""

    def included(match: re.Match) -> str:
        names = ["" if name.strip() == "intro" else name.strip() for name in match[1].split(",")]
        return with_links_of_site(readme_sections(names), ROOT / "README.md", page, headers)

    return re.sub(r"<!-- README: (.*?) -->", included, text)


def example_page(program: pathlib.Path) -> str:
    """An example as a page: the comment at its top, the program, what it prints."""
    code = program.read_text(encoding="utf-8")
    lines = code.splitlines()
    end = next(index for index, line in enumerate(lines) if not line.startswith("//"))
    comment = "\n".join(line.removeprefix("//").removeprefix(" ") for line in lines[:end])
    text = f"# {program.stem}\n\n{comment}\n\n"
    text += "```cpp\n" + "\n".join(lines[end:]).strip("\n") + "\n```\n"
    expected = program.with_suffix(".expected")
    if expected.exists():
        text += "\nprints\n\n```text\n" + expected.read_text(encoding="utf-8").rstrip("\n") + "\n```\n"
    return text


def stage(work: pathlib.Path, headers: dict[str, str], problems: Problems) -> set[pathlib.Path]:
    """Writes the pages to `work`; the files it wrote."""
    written = set()

    def put(page: str, text: str) -> None:
        write_if_changed(work / page, text)
        written.add(work / page)

    pages = {file: file.relative_to(DOCS).as_posix() for file in sorted(DOCS.glob("*.md"))}
    pages |= {ROOT / name: ELSEWHERE[name] for name in ("CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")}
    for source, page in pages.items():
        if not source.exists():
            continue
        original = source.read_text(encoding="utf-8")
        text = with_links_of_site(original, source, page, headers)
        if page.endswith("index.md"):
            text = with_readme(text, page, headers) + table_of_contents(page, original, headers, source)
        put(page, text)
    for program in sorted((ROOT / "examples").glob("*.cpp")):
        put(f"examples/{program.stem}.md", example_page(program))
    for image in sorted((DOCS / "img").glob("*")):
        target = work / "img" / image.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != image.read_bytes():
            shutil.copyfile(image, target)
        written.add(target)

    in_index = listed(DOCS / "index.md")
    for file in DOCS.glob("*.md"):
        if file.name != "index.md" and f"docs/{file.name}" not in in_index:
            problems.add(f"docs/index.md does not list docs/{file.name}")
    in_index = listed(ROOT / "examples/README.md")
    for program in (ROOT / "examples").glob("*.cpp"):
        if f"examples/{program.name}" not in in_index:
            problems.add(f"examples/README.md does not list examples/{program.name}")
    return written


# --- the reference -------------------------------------------------------------------------------


def stage_reference(work: pathlib.Path, headers: list[pathlib.Path], problems: Problems) -> tuple[dict, set]:
    """Reads the headers and writes their pages; the page of each header, and the files it wrote."""
    xml = work.parent / "doxygen"
    warnings = doxygen.run(ROOT, headers, xml)
    for warning in warnings:
        problems.add(f"doxygen: {warning}")
    made = reference.make(ROOT, headers, xml / "xml")
    for sentence in made.undocumented:
        problems.add(sentence)
    written = set()
    for page, text in made.pages.items():
        write_if_changed(work / page, text)
        written.add(work / page)
    write_if_changed(work / "symbols.json", json.dumps(made.symbols, indent=0, sort_keys=True))
    return made.page_of_header, written


# --- the result ----------------------------------------------------------------------------------


class Addresses(HTMLParser):
    """What a page links to and what can be linked to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if not value:
                continue
            if name in ("id", "name"):
                self.ids.add(value)
            elif name == "src" or (tag == "link" and name == "href"):
                self.loads.append(value)
            elif name == "href":
                self.links.append(value)


def check_html(output: pathlib.Path, problems: Problems) -> int:
    """Every address within the site exists, and nothing is loaded from elsewhere; the number of pages."""
    pages = {}
    for file in sorted(output.rglob("*.html")):
        parser = Addresses()
        parser.feed(file.read_text(encoding="utf-8"))
        pages[file] = parser
    for file, page in pages.items():
        name = file.relative_to(output)
        for address in page.loads:
            if urlparse(address).netloc:
                problems.add(f"{name} loads {address}: pages must work offline")
        for address in page.links + page.loads:
            parts = urlparse(address)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                problems.add(f"{name}: no such file: {address}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids | {"top"}:
                problems.add(f"{name}: no such place: {address}")
    return len(pages)


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    output = parser.parse_args().output.resolve()
    work = output.with_name(output.name + ".work") / "pages"
    work.mkdir(parents=True, exist_ok=True)
    problems = Problems()

    headers = reference.public_headers(ROOT)
    page_of_header, written = stage_reference(work, headers, problems)
    written |= stage(work, page_of_header, problems)
    for file in work.rglob("*"):
        if file.suffix in (".md", ".svg") and file not in written:
            file.unlink()

    # What every page depends on: the configuration, the style, the names that can be linked to.
    shared = [file for file in [*SITE.rglob("*"), work / "symbols.json"] if file.is_file()]
    state = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(shared))).hexdigest()
    stamp = work.parent / "state"
    anew = not stamp.exists() or stamp.read_text(encoding="utf-8") != state or not output.exists()
    stamp.unlink(missing_ok=True)

    sphinx = ["sphinx-build", "-q", "-b", "html", "-W", "--keep-going", "-c", str(SITE)]
    sphinx += ["-d", str(work.parent / "doctrees"), "-D", f"green_symbols={work / 'symbols.json'}", str(work), str(output)]
    if anew:
        shutil.rmtree(output, ignore_errors=True)
        sphinx.append("-E")
    result = subprocess.run(sphinx, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        problems.add("sphinx-build: see above")
    theme.mend(output)
    count = check_html(output, problems)
    if problems.count:
        print(f"docs: {problems.count} problems", file=sys.stderr)
        return 1
    stamp.write_text(state, encoding="utf-8")
    print(f"docs: {count} pages; open {output / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
