"""Declarations as they stand in a header, without bodies."""

import pathlib
import re

from doxygen import end_of_braces


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
