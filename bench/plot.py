"""One bar plot of a figure as SVG: the limit, green, the peers, and the line that is the bar."""

import math
from dataclasses import dataclass
from html import escape

WIDTH = 720
ROW = 30
TOP = 62
BOTTOM = 44
LEFT = 92
RIGHT = 150

# An image in a page cannot see the page's theme, so it brings its own background and follows the
# reader's preference. A renderer without media queries shows the light one.
STYLE = """
    text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #24292f }
    .page { fill: #ffffff; stroke: #d0d7de }
    .title { font-size: 15px; font-weight: 600 }
    .soft { fill: #57606a; font-size: 11.5px }
    .grid { stroke: #d8dee4 }
    .peer { fill: #b6bec8 }
    .limit { fill: #6e7f91 }
    .green { fill: #2da44e }
    .strong { font-weight: 600 }
    .value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
    .range { stroke: #24292f; stroke-width: 1.2; opacity: .65 }
    .bar { stroke: #cf222e; stroke-width: 1.6; stroke-dasharray: 5 3 }
    .bar-label { fill: #cf222e; font-size: 11.5px }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .page { fill: #0d1117; stroke: #30363d }
      .soft { fill: #9198a1 }
      .value { stroke: #0d1117 }
      .grid { stroke: #272d35 }
      .peer { fill: #454d57 }
      .limit { fill: #71839a }
      .green { fill: #3fb950 }
      .range { stroke: #e6edf3 }
      .bar { stroke: #ff7b72 }
      .bar-label { fill: #ff7b72 }
    }"""

SCALES = {
    "ns": [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")],
    "ms": [(1e3, "s"), (1, "ms"), (1e-3, "µs")],
    "s": [(1, "s"), (1e-3, "ms")],
    "B": [(1024 * 1024, "MiB"), (10 * 1024, "KiB"), (1, "B")],
}
DIVISORS = {"KiB": 1024}


def number(value: float) -> str:
    """Three digits that mean something: 0.31, 9.7, 42, 1168."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    text = f"{value:.{min(decimals, 3)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_unit(value: float, unit: str) -> str:
    """A value in the unit that makes it readable: 14 300 ns is 14.3 µs."""
    for least, name in SCALES.get(unit, []):
        if abs(value) >= least:
            return f"{number(value / DIVISORS.get(name, least))} {name}"
    return f"{number(value)} {unit}".strip()


@dataclass
class Row:
    name: str
    median: float
    least: float
    most: float


class Axis:
    """Values to pixels. Bars of a logarithmic axis start below the smallest value, not at 0."""

    def __init__(self, smallest: float, largest: float):
        self.logarithmic = smallest > 0 and largest / smallest > 20
        if self.logarithmic:
            self.first = 10 ** math.floor(math.log10(smallest * 0.7))
            self.last = largest * 1.1
        else:
            self.first = 0
            self.last = largest * 1.05 or 1

    def x(self, value: float) -> float:
        if self.logarithmic:
            part = math.log(max(value, self.first) / self.first) / math.log(self.last / self.first)
        else:
            part = value / self.last
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            decades = int(math.log10(self.last / self.first)) + 1
            return [self.first * 10**i for i in range(decades)]
        step = 10 ** math.floor(math.log10(self.last))
        while self.last / step < 3:
            step /= 2
        return [i * step for i in range(int(self.last / step) + 1)]


def svg(title: str, unit: str, rows: list[Row], bar: float | None, subtitle: str) -> str:
    values = [v for r in rows for v in (r.median, r.most)] + ([bar] if bar else [])
    axis = Axis(min(v for r in rows for v in (r.median, r.least)), max(values))
    bottom = TOP + ROW * len(rows)
    height = bottom + BOTTOM
    scale = "logarithmic axis" if axis.logarithmic else "linear axis"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}">',
        f"  <style>{STYLE}\n  </style>",
        f'  <rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        f'  <text class="title" x="16" y="26">{escape(title)}</text>',
        f'  <text class="soft" x="16" y="44">{escape(f"{subtitle}; {scale}; less is better")}</text>',
    ]
    for tick in axis.ticks():
        x = axis.x(tick)
        out.append(f'  <line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        out.append(
            f'  <text class="soft" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{escape(with_unit(tick, unit))}</text>"
        )
    for i, row in enumerate(rows):
        y = TOP + ROW * i
        middle = y + ROW / 2
        kind = row.name if row.name in ("green", "limit") else "peer"
        strong = ' class="strong"' if kind == "green" else ""
        end = axis.x(row.median)
        out.append(
            f'  <text{strong} x="{LEFT - 10}" y="{middle + 4.5}" text-anchor="end">'
            f"{escape(row.name)}</text>"
        )
        out.append(
            f'  <rect class="{kind}" x="{LEFT}" y="{y + 5}" width="{max(end - LEFT, 1):.1f}" '
            f'height="{ROW - 10}" rx="2"/>'
        )
        low, high = axis.x(row.least), axis.x(row.most)
        if high - low > 1.5:
            out.append(
                f'  <path class="range" fill="none" d="M{low:.1f} {middle - 4}v8m0 -4H{high:.1f}m0 -4v8"/>'
            )
    if bar:
        x = axis.x(bar)
        out.append(
            f'  <line class="bar" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{bottom + 3}"/>'
        )
        out.append(
            f'  <text class="bar-label" x="{x:.1f}" y="{bottom + 34}" text-anchor="middle">'
            f"bar for green: {escape(with_unit(bar, unit))}</text>"
        )
    for i, row in enumerate(rows):  # on top of the line, with a halo
        kind = "value strong" if row.name == "green" else "value"
        x = axis.x(max(row.median, row.most)) + 8
        out.append(
            f'  <text class="{kind}" x="{x:.1f}" y="{TOP + ROW * i + ROW / 2 + 4.5}">'
            f"{escape(with_unit(row.median, unit))}</text>"
        )
    out.append("</svg>")
    return "\n".join(out) + "\n"
