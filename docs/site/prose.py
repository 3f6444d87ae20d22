"""Comments: Doxygen's XML to Markdown."""

import re
import xml.etree.ElementTree as ElementTree

from doxygen import restored


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
