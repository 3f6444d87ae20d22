"""Runs Doxygen over the public headers, without what is internal in them."""

import pathlib
import re
import subprocess

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


def run(root: pathlib.Path, headers: list[pathlib.Path], work: pathlib.Path) -> list[str]:
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
