"""Mends the Furo that Debian 12 ships, which was made without its bundler; a complete one is left as it is.

Its script is still a module that imports another, which a page does not load: no switch between light and dark, no
mark at the present heading. And its style sheet has lost the rule that follows the system's preference for dark.
"""

import pathlib
import re

IMPORT = re.compile(r'^import Gumshoe from "\./(?P<file>[\w.-]+)";\n', re.MULTILINE)
DARK = re.compile(r'^@media not print \{\n(?P<rules>\s*body\[data-theme="dark"\] \{.*?)\}\n\n', re.MULTILINE | re.DOTALL)


def mend_script(scripts: pathlib.Path) -> None:
    script = scripts / "furo.js"
    text = script.read_text(encoding="utf-8")
    if imported := IMPORT.search(text):
        module = (scripts / imported["file"]).read_text(encoding="utf-8")  # sets window.Gumshoe
        script.write_text(text.replace(imported[0], module), encoding="utf-8")


def mend_style(style: pathlib.Path) -> None:
    text = style.read_text(encoding="utf-8")
    dark = DARK.search(text)
    if "prefers-color-scheme" in text or not dark:
        return
    rules = dark["rules"].replace('[data-theme="dark"]', ':not([data-theme="light"])')
    style.write_text(f"{text}\n@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n", encoding="utf-8")


def mend(output: pathlib.Path) -> None:
    if not (output / "_static/scripts/furo.js").exists():
        return  # Sphinx has failed
    mend_script(output / "_static/scripts")
    mend_style(output / "_static/styles/furo.css")
