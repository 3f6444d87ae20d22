"""Finds coroutine code that g++ 12.0-12.2 compiles wrongly and without a warning (CONTRIBUTING.md, "Compilers").

usage: coroutine_patterns.py FILE_OR_DIRECTORY...

Rule A: co_await in the condition of if, while, do, for or switch. A condition that declares, such as
        `while (auto item = co_await queue.get())`, is safe.
Rule B: a closure that captures by value, written inside a co_await expression. Where every capture is trivially
        destructible the code is right; say so with a comment `NOLINT(green-closure)` on the line of the closure.

It reads text, not C++: it knows comments, literals and brackets, and nothing of macros or types.
"""

import pathlib
import re
import sys

SUPPRESSION = "NOLINT(green-closure)"
SKIPPED = pathlib.PurePath("tests", "compiler")  # the bugs themselves, on purpose

CONDITIONAL = re.compile(r"\b(if|while|for|switch)\b\s*(?:constexpr\s*)?\(")
CO_AWAIT = re.compile(r"\bco_await\b")
# auto x = ..., const foo::bar<int>& x = ..., auto [a, b] = ...
DECLARATION = re.compile(r"\s*(?:const\s+)?(?:auto|[A-Za-z_][\w:]*(?:<[^;=]*>)?)[\s&*]+(?:\w+|\[[\w\s,]*\])\s*(?:=|\{)")
LITERAL_OR_COMMENT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
CLOSE = {"(": ")", "[": "]", "{": "}"}


def blank(match: re.Match) -> str:
    """Spaces in place of the text, so that offsets and lines stay."""
    return re.sub(r"[^\n]", " ", match[0])


def end_of_bracket(code: str, start: int) -> int:
    """The offset of the bracket that closes the one at `start`, or the end of the text."""
    stack = []
    for offset in range(start, len(code)):
        character = code[offset]
        if character in CLOSE:
            stack.append(CLOSE[character])
        elif stack and character == stack[-1]:
            stack.pop()
            if not stack:
                return offset
    return len(code)


def without_bodies(code: str) -> str:
    """Blanks what is in braces and holds statements: the bodies of closures, which are functions of their own."""
    kept, offset = [], 0
    while offset < len(code):
        if code[offset] == "{":
            end = end_of_bracket(code, offset)
            body = code[offset : end + 1]
            is_body = ";" in body or re.search(r"\bco_(await|return|yield)\b|\breturn\b", body)
            kept.append(re.sub(r"[^\n]", " ", body) if is_body else body)
            offset = end + 1
        else:
            kept.append(code[offset])
            offset += 1
    return "".join(kept)


def clauses(condition: str) -> list[str]:
    """What the semicolons at the top level of a condition separate."""
    parts, depth, start = [], 0, 0
    for offset, character in enumerate(condition):
        if character in CLOSE:
            depth += 1
        elif character in CLOSE.values():
            depth -= 1
        elif character == ";" and depth == 0:
            parts.append(condition[start:offset])
            start = offset + 1
    return [*parts, condition[start:]]


def awaits_in_condition(code: str):
    """Rule A: yields the offsets of the statements."""
    for match in CONDITIONAL.finditer(code):
        opening = match.end() - 1
        condition = without_bodies(code[opening + 1 : end_of_bracket(code, opening)])
        parts = clauses(condition)
        if match[1] == "for":
            # Of `for (init; condition; step)` the condition; the range of a range-for is safe.
            parts = parts[1:2]
        if any(CO_AWAIT.search(part) and not DECLARATION.match(part) for part in parts):
            yield match.start()


def awaited_expression(code: str, start: int) -> str:
    """From a co_await to the end of its statement or of the brackets around it."""
    depth = 0
    for offset in range(start, len(code)):
        character = code[offset]
        if character in CLOSE:
            depth += 1
        elif character in CLOSE.values():
            depth -= 1
            if depth < 0:
                return code[start:offset]
        elif character == ";" and depth == 0:
            return code[start:offset]
    return code[start:]


def captures_by_value(captures: str) -> bool:
    names = [name.strip() for name in re.sub(r"\([^()]*\)|\{[^{}]*\}|<[^<>]*>", "", captures).split(",")]
    return any(name and not name.startswith("&") and name != "this" for name in names)


def closures_in_await(code: str):
    """Rule B: yields the offsets of the closures."""
    seen = set()
    for match in CO_AWAIT.finditer(code):
        expression = without_bodies(awaited_expression(code, match.start()))
        for offset, character in enumerate(expression):
            if character != "[" or expression[offset + 1 : offset + 2] == "[":
                continue
            before = expression[:offset].rstrip()
            if before and (before[-1] in ")]\"'[" or (before[-1].isalnum() and not before.endswith("co_await")) or before[-1] == "_"):
                continue  # a subscript
            end = end_of_bracket(expression, offset)
            position = match.start() + offset
            if captures_by_value(expression[offset + 1 : end]) and position not in seen:
                seen.add(position)
                yield position


def check(file: pathlib.Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    code = LITERAL_OR_COMMENT.sub(blank, text)
    found = [(offset, "A: co_await in a condition; await into a variable first") for offset in awaits_in_condition(code)]
    for offset in closures_in_await(code):
        if SUPPRESSION not in lines[code.count("\n", 0, offset)]:
            found.append((offset, "B: closure with captures by value in a co_await expression; name it first"))
    return [f"{file}:{code.count(chr(10), 0, offset) + 1}: {message}" for offset, message in sorted(found)]


def sources(arguments: list[str]):
    for argument in map(pathlib.Path, arguments):
        files = [argument] if argument.is_file() else sorted(argument.rglob("*.[ch]pp"))
        yield from (file for file in files if not file.is_relative_to(SKIPPED))


def main() -> int:
    found = [line for file in sources(sys.argv[1:]) for line in check(file)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
