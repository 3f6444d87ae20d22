"""Draws what examples/amdahl prints as SVG: the speed-up by the number of workers, predicted and measured.

usage: build/*/examples/amdahl | python3 examples/plot_amdahl.py >amdahl.svg
"""

import pathlib
import re
import sys
from html import escape

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import plot  # noqa: E402

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 150, 62, 52
STYLE = plot.STYLE + """
    .curve { fill: none; stroke-width: 2 }
    .ideal { stroke: #b6bec8; stroke-dasharray: 2 4 }
    .predicted { stroke: #6e7f91; stroke-dasharray: 7 4 }
    .threads { stroke: #2da44e }
    .processes { stroke: #0969da }
    .mark { stroke-width: 0 }
    .mark.threads { fill: #2da44e }
    .mark.processes { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .ideal { stroke: #454d57 }
      .predicted { stroke: #71839a }
    }"""
ROW = re.compile(r"^ *(\d+) +([\d.]+) +([\d.]+) +([\d.]+)$", re.MULTILINE)


def svg(fraction: str, processors: int, rows: list[tuple[float, ...]]) -> str:
    most = max(max(row) for row in rows)

    def x(workers: float) -> float:
        return LEFT + (workers - 1) / max(most - 1, 1) * (WIDTH - LEFT - RIGHT)

    def y(speed_up: float) -> float:
        return HEIGHT - BOTTOM - speed_up / (most * 1.05) * (HEIGHT - TOP - BOTTOM)

    def curve(name: str, values: list[float]) -> str:
        points = " ".join(f"{x(row[0]):.1f},{y(value):.1f}" for row, value in zip(rows, values))
        return f'  <polyline class="curve {name}" points="{points}"/>'

    title = "Speed-up by the number of workers"
    subtitle = f"a picture in two steps, serial fraction {fraction}, {processors} processors; more is better"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}, {escape(subtitle)}">',
        f"  <style>{STYLE}\n  </style>",
        f'  <rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6"/>',
        f'  <text class="title" x="16" y="26">{escape(title)}</text>',
        f'  <text class="soft" x="16" y="44">{escape(subtitle)}</text>',
        f'  <text class="soft" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">workers</text>',
    ]
    for value in range(int(most * 1.05) + 1):
        out.append(f'  <line class="grid" x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}"/>')
        out.append(f'  <text class="soft" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for row in rows:
        out.append(
            f'  <text class="soft" x="{x(row[0]):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{row[0]:g}</text>'
        )
    if rows[0][0] <= processors <= rows[-1][0]:
        at = x(processors)
        out.append(f'  <line class="bar" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}"/>')
        out.append(f'  <text class="bar-label" x="{at + 6:.1f}" y="{TOP + 10}">processors</text>')

    names = ["ideal", "predicted", "threads", "processes"]
    columns = [[row[0] for row in rows], *([row[i] for row in rows] for i in (1, 2, 3))]
    out += [curve(name, values) for name, values in zip(names, columns)]
    for name, values in list(zip(names, columns))[2:]:
        out += [
            f'  <circle class="mark {name}" cx="{x(row[0]):.1f}" cy="{y(value):.1f}" r="4"/>'
            for row, value in zip(rows, values)
        ]
    # The names at the ends of the curves, as far apart as lines of text must be.
    below = 0.0
    for name, values in sorted(zip(names, columns), key=lambda item: -item[1][-1]):
        below = max(y(values[-1]) + 4.5, below + 17)
        text = f"{name} {values[-1]:.2f}"
        out.append(f'  <text class="value" x="{WIDTH - RIGHT + 12}" y="{below:.1f}">{escape(text)}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main() -> int:
    text = sys.stdin.read()
    fraction = re.search(r"s = ([\d.]+)", text)
    processors = re.search(r"processors: (\d+)", text)
    rows = [tuple(map(float, row)) for row in ROW.findall(text)]
    if not fraction or not processors or not rows:
        print(__doc__, file=sys.stderr)
        return 2
    print(svg(fraction[1], int(processors[1]), rows), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
