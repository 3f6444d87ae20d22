"""Draws a trace file of green (trace_session, GREEN_TRACE) as SVG: a row for each task, worker and query.

usage: bench/trace_picture.py TRACE.json > picture.svg

For pages that cannot open Perfetto. Rows come in the order of their first event; long traces are better looked at there.
"""

import json
import sys
from collections import defaultdict
from html import escape

import plot

WIDTH, LEFT, RIGHT, ROW, TOP, BOTTOM = 720, 150, 14, 26, 46, 34
STYLE = plot.STYLE + """
    .run { fill: #2da44e }
    .wait { fill: #d8dee4 }
    .ready { fill: #bf8700 }
    .job { fill: #8250df }
    .dns { fill: #0969da }
    .life { stroke: #b6bec8; stroke-width: 1 }
    .inside { fill: #24292f; font-size: 10.5px }
    @media (prefers-color-scheme: dark) {
      .wait { fill: #272d35 }
      .life { stroke: #454d57 }
      .inside { fill: #e6edf3 }
    }"""
LEGEND = [("run", "running"), ("ready", "ready"), ("wait", "waits"), ("job", "job on a thread"), ("dns", "query")]


def kind_of(event):
    if event["cat"] in ("job", "dns"):
        return event["cat"]
    return {"run": "run", "ready": "ready"}.get(event["name"], "wait" if event["cat"] == "wait" else "life")


def spans_of(events):
    """Rows in order: [(label, [(kind, text, begin, end)])]."""
    names, rows, stacks, pending = {}, defaultdict(list), defaultdict(list), {}
    for event in events:
        row = (event["pid"], event["tid"])
        match event["ph"]:
            case "M":
                names[row] = event["args"]["name"]
            case "B":
                stacks[row].append(event)
                rows[row]  # its place
            case "E":
                begin = stacks[row].pop()
                rows[row].append((kind_of(begin), begin["name"], begin["ts"], event["ts"]))
            case "b" if event["cat"] == "dns":
                pending[event["id"]] = event
            case "e" if event["cat"] == "dns":
                begin = pending.pop(event["id"])
                row = ("dns", begin["name"])
                names[row] = begin["name"]
                rows[row].append(("dns", "", begin["ts"], event["ts"]))
    return [(names.get(row, "?"), spans) for row, spans in rows.items()]


def draw(events):
    rows = spans_of(events)
    zero = min(begin for _, spans in rows for *_, begin, _ in spans)
    end = max(last for _, spans in rows for *_, last in spans) - zero
    height = TOP + ROW * len(rows) + BOTTOM
    scale = (WIDTH - LEFT - RIGHT) / end

    def x(us):
        return LEFT + (us - zero) * scale

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
    ]
    at = LEFT
    for kind, words in LEGEND:
        out.append(f'<rect class="{kind}" x="{at}" y="16" width="12" height="12" rx="2"/>')
        out.append(f'<text class="soft" x="{at + 17}" y="26">{words}</text>')
        at += 34 + 6.4 * len(words)
    step = next(s for s in (1000, 2000, 5000, 10000, 20000, 50000, 100000, 10**9) if end / s <= 8)
    for tick in range(0, int(end) + 1, step):
        out.append(f'<path class="grid" d="M{x(zero + tick):.1f} {TOP - 6}V{height - BOTTOM}"/>')
        out.append(f'<text class="soft" x="{x(zero + tick):.1f}" y="{height - 14}" text-anchor="middle">{tick // 1000} ms</text>')
    for index, (label, spans) in enumerate(rows):
        y = TOP + ROW * index
        out.append(f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(label)}</text>')
        for kind, text, begin, last in sorted(spans, key=lambda span: span[0] != "life"):
            if kind == "life":
                out.append(f'<path class="life" d="M{x(begin):.1f} {y + 12}H{x(last):.1f}"/>')
                continue
            width = max((last - begin) * scale, 1.2)
            out.append(f'<rect class="{kind}" x="{x(begin):.1f}" y="{y + 3}" width="{width:.1f}" height="18" rx="2"/>')
            if kind in ("wait", "job") and width > 6 * len(text):
                out.append(f'<text class="inside" x="{x(begin) + 4:.1f}" y="{y + 16}">{escape(text)}</text>')
    return "\n".join(out + ["</svg>"])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as trace:
        print(draw(json.load(trace)))
