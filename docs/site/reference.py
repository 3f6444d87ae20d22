"""Makes the pages of the reference from the public headers.

Doxygen reads the headers and their comments into XML; this turns the XML into Markdown pages, one for each subject. The
declarations are shown as they stand in the source, without bodies.
"""

import fnmatch
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

UMBRELLA = "io/green/green.hpp"
# Public, and included by others rather than by the umbrella.
MORE_HEADERS = ["green/core/awaitable.hpp", "green/core/named.hpp"]

# Title, file name, and the headers in the order in which they are shown. What no pattern names has a page by its folder.
SUBJECTS = [
    ("Running", "running", ["loop/run*", "loop/loop.hpp"]),
    ("Tasks", "tasks", ["core/task.hpp", "tasks/spawn.hpp", "tasks/join_handle.hpp", "tasks/joinall.hpp", "tasks/as_result.hpp",
                        "tasks/this_task.hpp", "tasks/task_local.hpp"]),
    ("Scopes and limits", "scopes", ["tasks/task_group.hpp", "tasks/timeout.hpp", "tasks/when_all.hpp", "tasks/when_any.hpp",
                                     "tasks/shield.hpp", "tasks/finally.hpp"]),
    ("Time", "time", ["core/time.hpp", "loop/sleep.hpp"]),
    ("Synchronisation", "sync", ["sync/event.hpp", "sync/mutex.hpp", "sync/shared_mutex.hpp", "sync/semaphore.hpp",
                                 "sync/condition.hpp", "sync/latch.hpp", "sync/barrier.hpp", "sync/channel.hpp", "sync/select.hpp",
                                 "sync/queue.hpp", "sync/thread_queue.hpp", "sync/*"]),
    ("Streams and pools", "streams", ["tasks/stream*", "tasks/task_pool*"]),
    ("Futures and executors", "executors", ["executor/future.hpp", "executor/thread_executor.hpp", "executor/*"]),
    ("Awaiting anything", "awaiting", ["loop/completion.hpp", "core/awaitable.hpp", "core/named.hpp"]),
    ("Debugging", "debugging", ["debug/*"]),
    ("Names", "names", ["dns/resolver.hpp", "dns/*"]),
    ("Addresses", "addresses", ["net/address.hpp"]),
    ("Errors", "errors", ["core/errors.hpp"]),
]

DOXYFILE = """
INPUT = {inputs}
OUTPUT_DIRECTORY = {output}
STRIP_FROM_PATH = {root}
GENERATE_HTML = NO
GENERATE_LATEX = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
QUIET = YES
WARN_IF_UNDOCUMENTED = NO
WARN_IF_DOC_ERROR = YES
WARN_IF_INCOMPLETE_DOC = NO
WARN_FORMAT = "$file:$line: $text"
AUTOLINK_SUPPORT = NO
ENABLE_PREPROCESSING = NO
INLINE_INHERITED_MEMB = NO
HIDE_FRIEND_COMPOUNDS = YES
"""

MEMBER_KINDS = {"function", "variable", "typedef", "enum", "friend"}


def public_headers(root: pathlib.Path) -> list[pathlib.Path]:
    """The headers that the umbrella includes, as paths below `root`."""
    names = re.findall(r"#include <(green/[^>]+)>", (root / UMBRELLA).read_text(encoding="utf-8"))
    found = []
    for name in dict.fromkeys([*names, *MORE_HEADERS]):
        for layer in ("runtime", "io"):
            if (root / layer / name).exists():
                found.append(pathlib.Path(layer, name))
    return sorted(found)


# --- what Doxygen is given, and what it gives ----------------------------------------------------


def end_of_braces(text: str, start: int) -> int:
    """The offset behind the brace that closes the one at `start`; literals and comments are skipped."""
    depth, token = 0, re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|[{}]', re.DOTALL)
    for match in token.finditer(text, start):
        depth += (match[0] == "{") - (match[0] == "}")
        if match[0] == "}" and depth == 0:
            return match.end()
    return len(text)


def blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def without_internals(text: str) -> str:
    """Blanks green::detail and specialisations of std; every line stays where it is. What remains of green::detail are
    the classes from which public ones inherit their members."""
    bases = set(re.findall(r"^class \w+(?: final)? : public detail::(\w+)<", text, re.MULTILINE))
    for pattern in (r"^namespace detail \{", r"^template <>\n(?=struct std::)"):
        offset = 0
        while match := re.compile(pattern, re.MULTILINE).search(text, offset):
            start = text.index("{", match.start())
            end = end_of_braces(text, start)
            kept = ""
            for base in sorted(bases):
                if found := re.compile(rf"^template <[^\n]*>\nclass {base} \{{", re.MULTILINE).search(text, start, end):
                    stop = end_of_braces(text, text.index("{", found.start())) + 1
                    kept = text[match.start() : start + 1] + blank(text[start + 1 : found.start()])
                    kept += text[found.start() : stop] + blank(text[stop : end - 1]) + "}"
            text = text[: match.start()] + (kept or blank(text[match.start() : end])) + text[end:]
            offset = end
    return text


# Doxygen takes `%` and `::` for its own even in code: it sees these instead.
DISGUISED = {"%": "\u2983", "::": "\u2984", "@": "\u2985", "\\": "\u2986"}


def disguised(text: str) -> str:
    """Hides what Doxygen must not see in the `code` of comments."""

    def hide(code: re.Match) -> str:
        hidden = code[0]
        for plain, other in DISGUISED.items():
            hidden = hidden.replace(plain, other)
        return hidden

    return re.sub(r"//[/!].*$", lambda line: re.sub(r"`[^`\n]+`", hide, line[0]), text, flags=re.MULTILINE)


def restored(text: str) -> str:
    for plain, other in DISGUISED.items():
        text = text.replace(other, plain)
    return text


def run_doxygen(root: pathlib.Path, headers: list[pathlib.Path], work: pathlib.Path) -> list[str]:
    """Writes `work`/xml, unless nothing has changed since; gives Doxygen's warnings."""
    inputs = work / "in"
    contents = {header: disguised(without_internals((root / header).read_text(encoding="utf-8"))) for header in headers}
    doxyfile = DOXYFILE.format(
        inputs=" ".join(f'"{inputs / header}"' for header in headers), output=f'"{work}"', root=f'"{inputs}"'
    )
    state = doxyfile + "".join(f"{header}\n{text}" for header, text in contents.items())
    stamp, log = work / "state", work / "warnings"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != state:
        stamp.unlink(missing_ok=True)
        for file in work.glob("xml/*"):
            file.unlink()
        for header, text in contents.items():
            (inputs / header).parent.mkdir(parents=True, exist_ok=True)
            (inputs / header).write_text(text, encoding="utf-8")
        (work / "Doxyfile").write_text(doxyfile, encoding="utf-8")
        result = subprocess.run(["doxygen", str(work / "Doxyfile")], capture_output=True, text=True)
        log.write_text(result.stderr, encoding="utf-8")
        if result.returncode != 0:
            return [result.stderr.strip() or f"exit code {result.returncode}"]
        stamp.write_text(state, encoding="utf-8")
    return [line.replace(f"{inputs}/", "") for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]


# --- comments: Doxygen's XML to Markdown ---------------------------------------------------------


class Prose:
    """Turns the description of one entity into paragraphs of Markdown."""

    def __init__(self, known: set[str]) -> None:
        self.known = known

    def of(self, *descriptions: ElementTree.Element | None) -> str:
        blocks = []
        for description in descriptions:
            if description is not None:
                blocks += self.blocks(description)
        return "\n\n".join(block for block in blocks if block.strip())

    def text(self, plain: str | None) -> str:
        """Plain text: names of green's become code, and nothing in it is markup."""
        if not plain:
            return ""
        parts = re.split(r"(?<![\w.:])([a-z]+_[a-z_]+|[a-z]\w*::[a-z]\w*)(?![\w:]|\.\w)", re.sub(r"\s+", " ", plain))
        escaped = [re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", part) for part in parts[::2]]
        names = [f"`{name}`" if self.is_code(name) else name.replace("_", r"\_") for name in parts[1::2]]
        return "".join(a + b for a, b in zip(escaped, [*names, ""]))

    def is_code(self, name: str) -> bool:
        return name in self.known or name.startswith(("std::", "green::")) or name in ("co_await", "co_yield", "co_return")

    def inline(self, element: ElementTree.Element) -> str:
        """One child of a paragraph that is no block."""
        inner = self.text(element.text) + "".join(self.inline(child) + self.text(child.tail) for child in element)
        if element.tag == "computeroutput":
            return "`" + restored("".join(element.itertext())) + "`"
        if element.tag == "bold":
            return f"**{inner.strip()}**"
        if element.tag == "emphasis":
            return f"*{inner.strip()}*"
        if element.tag == "ulink":
            return f"[{inner}]({element.get('url')})"
        return {"ndash": "–", "mdash": "—", "linebreak": "\n", "nonbreakablespace": " "}.get(element.tag, inner)

    def blocks(self, element: ElementTree.Element) -> list[str]:
        """A description or a list item: its paragraphs, programs and lists."""
        found = []
        for child in element:
            if child.tag == "para":
                found += self.paragraph(child)
            elif child.tag.startswith("sect"):
                found += self.blocks(child)
        return found

    def paragraph(self, para: ElementTree.Element) -> list[str]:
        found, line = [], self.text(para.text)
        for child in para:
            made = None
            if child.tag in ("verbatim", "preformatted"):
                made = "```cpp\n" + restored("".join(child.itertext())).strip("\n").rstrip() + "\n```"
            elif child.tag in ("itemizedlist", "orderedlist"):
                mark = "- " if child.tag == "itemizedlist" else "1. "
                items = ["\n\n".join(self.blocks(item)) for item in child]
                made = "\n".join(mark + item.replace("\n", "\n" + " " * len(mark)) for item in items)
            elif child.tag == "parameterlist":
                rows = []
                for item in child:
                    names = ", ".join(f"`{''.join(n.itertext())}`" for n in item.iter("parametername"))
                    rows.append(f"- {names}: " + " ".join(self.blocks(item.find("parameterdescription"))))
                made = "\n".join(rows)
            elif child.tag == "table":
                made = self.table(child)
            if made is None:
                line += self.inline(child)
            else:
                found += [*self.split(line), made]
                line = ""
            line += self.text(child.tail)
        return [*found, *self.split(line)]

    @staticmethod
    def split(line: str) -> list[str]:
        """What a cancel leaves behind, the order of waiters and the model have paragraphs of their own."""
        return [part.strip() for part in re.split(r"\s(?=\*\*(?:cancel|order)|Models?: )", line) if part.strip()]

    def table(self, table: ElementTree.Element) -> str:
        rows = [[" ".join(self.blocks(entry)) for entry in row] for row in table]
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)


# --- declarations as they stand in the source ----------------------------------------------------


def shown(declaration: str) -> str:
    """Without the place of the call, which every function that reports one takes, and without `detail::`."""
    text = re.sub(r",?\s*std::source_location where = std::source_location::current\(\)", "", declaration)
    text = text.replace("detail::", "")
    joined = re.sub(r"\(\s*\n\s*([^\n]*)\n\s*\)", r"(\1)", text)
    return joined if max(map(len, joined.splitlines())) <= 96 else text


class Source:
    """One header."""

    def __init__(self, file: pathlib.Path) -> None:
        self.text = file.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()

    def first_line(self, line: int) -> int:
        """Where the declaration begins whose name is in `line`: a template, its constraints, a long type."""
        index = line - 1
        while index > 0:
            above = re.sub(r"\s*//.*", "", self.lines[index - 1]).strip()
            if not above or above.startswith(("#", "/*", "*")) or above.endswith((";", "}", "{", ":")):
                break
            index -= 1
        return index

    def raw(self, line: int) -> str:
        """The declaration up to the first brace, semicolon or initialiser list."""
        return re.split(r"[;{]|\)\s*:(?!:)", "\n".join(self.lines[self.first_line(line) :]), maxsplit=1)[0]

    def declaration(self, line: int, kind: str) -> str:
        """Without a body, an initialiser list or the initial value of anything long."""
        lines = self.lines[self.first_line(line) :]
        indent = len(lines[0]) - len(lines[0].lstrip())
        text = "\n".join(part[indent:] if part[:indent].isspace() or not indent else part for part in lines)
        depth, token = 0, re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|::|[()\[\]{};:]')
        for match in token.finditer(text):
            mark = match[0]
            if depth == 0 and (mark == ";" or (mark == ":" and ")" in text[: match.start()])):
                return shown(text[: match.start()].rstrip() + ";")
            if depth == 0 and mark == "{" and kind == "function":
                return shown(text[: match.start()].rstrip() + ";")
            depth += (mark in "([{") - (mark in ")]}") if len(mark) == 1 else 0
        return text

    def whole(self, line: int) -> str:
        """An enumeration or a structure of options: all of it, its comments too."""
        first = self.first_line(line)
        start = sum(len(part) + 1 for part in self.lines[:first])
        end = end_of_braces(self.text, self.text.index("{", start))
        block = self.text[start:end] + ";"
        lines = block.splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        return re.sub(r"//[/!]<?", "//", "\n".join(part[indent:] for part in lines))

    def head(self, line: int) -> str:
        """Of a class: up to its brace or its bases."""
        text = "\n".join(self.lines[self.first_line(line) :])
        text = text[: text.index("{")]
        bases = re.search(r"(?<!:):(?!:)(.*)", text, re.DOTALL)
        if not bases:
            return text.strip()
        public = [name for name in re.findall(r"public ([\w:<>, ]+?)(?:,|$)", bases[1].strip()) if "detail::" not in name]
        return text[: bases.start()].strip() + (" : " + ", ".join(f"public {name}" for name in public) if public else "")


# --- the pages -----------------------------------------------------------------------------------


@dataclass
class Entity:
    """Something with a name, or several overloads of it."""

    name: str  # with its class: join_handle::cancel
    kind: str
    header: str
    line: int
    element: ElementTree.Element
    members: list["Entity"] = field(default_factory=list)


@dataclass
class Made:
    pages: dict[str, str] = field(default_factory=dict)
    page_of_header: dict[str, str] = field(default_factory=dict)
    symbols: dict[str, list[str]] = field(default_factory=dict)
    undocumented: list[str] = field(default_factory=list)


def anchor_of(name: str) -> str:
    name = re.sub(r"[=<>*!+(\[-]", lambda mark: f"-{ord(mark[0]):x}", name.replace("~", "destroy-").lower())
    return "ref-" + re.sub(r"[^a-z0-9]+", "-", name).strip("-")


class Reader:
    """The XML of one run of Doxygen as entities in the order of their headers."""

    def __init__(self, xml: pathlib.Path) -> None:
        self.entities: list[Entity] = []
        self.bases: dict[str, Entity] = {}  # of green::detail, by their names
        for file in sorted(xml.glob("*.xml")):
            if file.name.startswith(("namespacegreen", "classgreen", "structgreen", "conceptgreen")):
                self.read(ElementTree.parse(file).getroot().find("compounddef"))
        self.entities.sort(key=lambda entity: (entity.header, entity.line))
        self.inherit()

    def inherit(self) -> None:
        """Gives members of a base in green::detail to the first public class that has it."""
        for entity in self.entities:
            for base in entity.element.findall("basecompoundref"):
                name = re.sub(r"<.*", "", base.text).strip().removeprefix("green::")
                inherited = self.bases.pop(name, None)
                for member in inherited.members if inherited else []:
                    if member.name.rpartition("::")[2] not in (name.removeprefix("detail::"), "operator="):
                        member.name = f"{entity.name}::{member.name.rpartition('::')[2]}"
                        entity.members.append(member)

    def read(self, compound: ElementTree.Element) -> None:
        name = compound.findtext("compoundname").removeprefix("green").removeprefix("::")
        if compound.get("prot", "public") != "public" or name == "detail" or re.match(r"detail::\w+::", name):
            return
        if compound.get("kind") == "namespace":
            self.entities += self.members(compound, name + "::" if name else "")
        else:
            where = compound.find("location")
            entity = Entity(name, compound.get("kind"), where.get("file"), int(where.get("line")), compound)
            if compound.get("kind") != "concept":
                entity.members = sorted(self.members(compound, name + "::"), key=lambda member: member.line)
            if name.startswith("detail::"):
                self.bases[name] = entity
            else:
                self.entities.append(entity)

    def members(self, compound: ElementTree.Element, prefix: str) -> list[Entity]:
        found = []
        for member in compound.iter("memberdef"):
            name, where = member.findtext("name"), member.find("location")
            if member.get("prot") != "public" or member.get("kind") not in MEMBER_KINDS or where is None:
                continue
            if member.get("kind") == "friend" and "operator" not in name:
                continue
            kind = "function" if member.get("kind") == "friend" else member.get("kind")
            found.append(Entity(prefix + name, kind, where.get("file"), int(where.get("line")), member))
        return found


class Writer:
    """The entities of the headers of one subject as a page."""

    def __init__(self, root: pathlib.Path, page: str, made: Made, known: set[str]) -> None:
        self.root, self.page, self.made = root, page, made
        self.prose = Prose(known)
        self.sources: dict[str, Source] = {}

    def source(self, header: str) -> Source:
        if header not in self.sources:
            self.sources[header] = Source(self.root / header)
        return self.sources[header]

    def comment(self, entity: Entity) -> str:
        return self.prose.of(entity.element.find("briefdescription"), entity.element.find("detaileddescription"))

    def heading(self, level: int, name: str) -> list[str]:
        anchor = anchor_of(name)
        if name not in self.made.symbols:
            self.made.symbols[name] = [self.page.removesuffix(".md"), anchor]
        return ["", f"({anchor})=", f"{'#' * level} {name}".replace("_", r"\_"), ""]

    def code(self, text: str) -> list[str]:
        return ["```cpp", text, "```", ""]

    def overloads(self, group: list[Entity], level: int) -> list[str]:
        lines = self.heading(level, group[0].name)
        for entity in group:
            source = self.source(entity.header)
            is_whole = entity.kind in ("enum", "concept")
            text = source.whole(entity.line) if entity.kind == "enum" else source.declaration(entity.line, entity.kind)
            comment = "" if is_whole and not self.comment(entity) else self.comment(entity)
            lines += [*self.code(text), comment, ""]
        return lines

    def is_awaitable(self, entity: Entity) -> bool:
        """Of what is only there to be awaited the members are the library's affair."""
        source = self.source(entity.header)
        text = "\n".join(source.lines[entity.line - 1 : entity.line + 6])
        return "detail::leaf" in text or "is_scheduler_awaiter" in text

    def is_plain(self, entity: Entity) -> bool:
        """A structure of values, such as options."""
        return entity.kind == "struct" and all(member.kind != "function" for member in entity.members)

    def type(self, entity: Entity) -> list[str]:
        source = self.source(entity.header)
        lines = self.heading(2, entity.name)
        if entity.kind == "concept" or self.is_awaitable(entity):
            text = source.declaration(entity.line, "variable") if entity.kind == "concept" else source.head(entity.line) + ";"
            return [*lines, *self.code(text), self.comment(entity), ""]
        if self.is_plain(entity):
            return [*lines, *self.code(source.whole(entity.line)), self.comment(entity), ""]
        # Not what only the library itself can use.
        usable = [m for m in entity.members if self.comment(m) or "detail::" not in source.raw(m.line)]
        declarations = [source.declaration(member.line, member.kind) for member in usable]
        body = "\n".join("    " + line for text in declarations for line in text.splitlines())
        opening = source.head(entity.line) + " {" + ("\npublic:" if entity.kind == "class" else "")
        synopsis = f"{opening}\n{body}\n}};" if body else source.head(entity.line) + ";"
        lines += [*self.code(synopsis), self.comment(entity), ""]
        for group in by_name([member for member in entity.members if self.comment(member)]):
            lines += self.overloads(group, 3)
        return lines

    def write(self, title: str, entities: list[Entity]) -> str:
        lines = [f"# {title}", ""]
        shown_header = ""
        for group in by_name(entities):
            first = group[0]
            if not any(self.comment(entity) for entity in group) and "::" in first.name and first.element.get("kind") == "class":
                continue  # such as the awaitable that a member function gives
            if not any(self.comment(entity) for entity in group) and not self.is_plain(first):
                self.made.undocumented.append(f"{first.header}:{first.line}: {first.name} has no comment")
            made = self.type(first) if first.kind in ("class", "struct", "concept") else self.overloads(group, 2)
            include = f"`#include <{first.header.partition('/')[2]}>`"
            lines += made[:4] + ([include, ""] if first.header != shown_header else []) + made[4:]
            shown_header = first.header
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def by_name(entities: list[Entity]) -> list[list[Entity]]:
    """Overloads that stand together."""
    groups: list[list[Entity]] = []
    for entity in entities:
        if groups and groups[-1][0].name == entity.name and groups[-1][0].header == entity.header:
            groups[-1].append(entity)
        else:
            groups.append([entity])
    return groups


def subjects_of(headers: list[pathlib.Path]) -> dict[tuple[str, str], list[str]]:
    """Title and file name of each page, with its headers in order."""
    left = {header.as_posix(): header.as_posix().partition("/green/")[2] for header in headers}
    found: dict[tuple[str, str], list[str]] = {}
    claims = [(title, name, pattern) for title, name, patterns in SUBJECTS for pattern in patterns]
    # A pattern without a star first, so that `sync/*` takes what is left.
    for exact in (True, False):
        for title, name, pattern in claims:
            if ("*" in pattern) == exact:
                continue
            for header in [header for header, path in left.items() if fnmatch.fnmatch(path, pattern)]:
                found.setdefault((title, name), []).append(header)
                del left[header]
    for header, path in left.items():
        folder = path.partition("/")[0]
        found.setdefault((folder.capitalize(), folder), []).append(header)
    order = [(title, name) for title, name, _ in SUBJECTS]
    return dict(sorted(found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def make(root: pathlib.Path, headers: list[pathlib.Path], xml: pathlib.Path) -> Made:
    made = Made()
    reader = Reader(xml)
    known = {entity.name for entity in reader.entities}
    known |= {member.name for entity in reader.entities for member in entity.members}
    contents = []
    for (title, name), files in subjects_of(headers).items():
        page = f"reference/{name}.md"
        entities = [entity for file in files for entity in reader.entities if entity.header == file]
        if not entities:
            continue
        for file in files:
            made.page_of_header[file] = page
        made.pages[page] = Writer(root, page, made, known).write(title, entities)
        names = dict.fromkeys(entity.name for entity in entities)
        contents.append((title, name, [f"`{entity}`" for entity in names]))
    made.pages["reference/index.md"] = contents_page(contents)
    return made


def contents_page(contents: list[tuple[str, str, list[str]]]) -> str:
    lines = [
        "# API reference",
        "",
        "Everything is in namespace `green`; `#include <green/green.hpp>` brings all of it. Durations are any",
        "`std::chrono::duration`. What fails throws. **cancel** says what a cancelled wait leaves behind: *total* means that",
        "nothing has happened, *partial* that some items or bytes may have moved, *terminal* that the object can only be",
        "closed. Every comment here stands in the header itself.",
        "",
        "| | |",
        "|---|---|",
        *(f"| [{title}]({name}.md) | {', '.join(names)} |" for title, name, names in contents),
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *(name for _, name, _ in contents),
        "```",
    ]
    return "\n".join(lines) + "\n"
