"""Makes the pages of the reference from the public headers.

Doxygen reads the headers and their comments into XML; this turns the XML into Markdown pages, one for each subject. The
declarations are shown as they stand in the source, without bodies.
"""

import fnmatch
import pathlib
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from prose import Prose
from source import Source


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
    ("Byte streams", "byte-streams", ["net/tcp*", "net/unix*", "net/pipe.hpp", "net/descriptor_stream.hpp", "net/byte_stream.hpp",
                                      "net/buffered_reader.hpp", "net/chunk.hpp", "net/const_buffer.hpp", "net/stream_error.hpp",
                                      "net/connect_options.hpp", "net/listen_options.hpp", "net/inherited_sockets.hpp",
                                      "net/owned_fd.hpp"]),
    ("Datagrams", "datagrams", ["net/udp_socket.hpp"]),
    ("TLS", "tls", ["net/tls_stream.hpp", "net/tls_context.hpp", "net/tls_error.hpp", "net/tls_info.hpp"]),
    ("HTTP", "http", ["http/http.hpp", "http/client.hpp", "http/response.hpp", "http/options.hpp", "http/header_list.hpp",
                      "http/error.hpp"]),
    ("Errors", "errors", ["core/errors.hpp"]),
]

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
    name = name.replace("::", "-m-")  # a member: resolver::config is not resolver_config
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

    def heading(self, level: int, name: str, kind: str) -> list[str]:
        anchor, page = anchor_of(name), self.page.removesuffix(".md")
        if self.made.symbols.setdefault(name, [page, anchor, kind])[0] != page:
            anchor += "-" + page.replace("/", "-")  # an overload on another page, such as to_string
        return ["", f"({anchor})=", f"{'#' * level} {name}".replace("_", r"\_"), ""]

    def code(self, text: str) -> list[str]:
        return ["```cpp", text, "```", ""]

    def overloads(self, group: list[Entity], level: int) -> list[str]:
        lines = self.heading(level, group[0].name, group[0].kind)
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
        lines = self.heading(2, entity.name, entity.kind)
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
