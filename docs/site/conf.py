"""Sphinx configuration of the site; build.py passes the directories."""

import json
import pathlib
import re

from docutils import nodes

project = "green"
author = "the green authors"
root_doc = "index"
source_suffix = {".md": "markdown"}
extensions = ["myst_parser"]
exclude_patterns = []

myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

html_theme = "furo"
html_title = "green"
html_static_path = ["static"]
html_css_files = ["green.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_last_updated_fmt = None
html_use_index = False
html_domain_indices = False
pygments_style = "friendly"
pygments_dark_style = "native"
highlight_language = "text"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1d7a46",
        "color-brand-content": "#1d7a46",
        "font-stack--monospace": '"DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace',
    },
    "dark_css_variables": {
        "color-brand-primary": "#6fcf97",
        "color-brand-content": "#6fcf97",
    },
}

# `spawn`, `join_handle::cancel()`, `with_timeout(1s, …)`, `co_await green::sleep_for(1s)`, `channel<T>`
SYMBOL = re.compile(r"(?:co_await )?(?:green::)?([a-z]\w*(?:::\w+)?)([<(].*)?", re.DOTALL)


def in_other_language(literal, docname):
    """Whether it stands in a column that says how another library does it."""
    entry = literal.parent
    while entry and not isinstance(entry, nodes.entry):
        entry = entry.parent
    return docname == "coming-from" and entry is not None and entry is not entry.parent.children[-1]


def link_symbols(app, doctree, docname):
    """Makes `name` in prose a link to its place in the reference: the first of each in a section."""
    linked = set()
    for literal in list(doctree.findall(nodes.literal)):
        match = SYMBOL.fullmatch(literal.astext())
        target = match and app.green_symbols.get(match[1])
        if not target or isinstance(literal.parent, (nodes.reference, nodes.title)) or in_other_language(literal, docname):
            continue
        page, anchor, kind = target
        # `result()` is a member function of something, and not the class of that name.
        if kind != "function" and (match[2] or "").startswith("("):
            continue
        section = literal
        while section.parent and not isinstance(section, nodes.section):
            section = section.parent
        # Not to the section that it stands in.
        if (id(section), match[1]) in linked or (page == docname and anchor in section.get("ids", [])):
            continue
        linked.add((id(section), match[1]))
        address = app.builder.get_relative_uri(docname, page) + "#" + anchor
        reference = nodes.reference("", "", literal.deepcopy(), refuri=address, internal=True, classes=["symbol"])
        literal.replace_self(reference)


def relax_code(app, doctree):
    """An ellipsis in a program is no reason to leave it without colours."""
    for block in doctree.findall(nodes.literal_block):
        block["force"] = True


def load_symbols(app):
    file = app.config.green_symbols
    app.green_symbols = json.loads(pathlib.Path(file).read_text(encoding="utf-8")) if file else {}


def setup(app):
    app.add_config_value("green_symbols", "", "")
    app.connect("builder-inited", load_symbols)
    app.connect("doctree-read", relax_code)
    app.connect("doctree-resolved", link_symbols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
