"""One HTML file from data, style and scripts. It asks the network for nothing, and a policy in it forbids that.

Text of users is in the data alone. The data is JSON in which `<` is escaped, so that no text can end its element, and
the scripts show it as text only.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import msgspec

STYLE = "style.css"
TRACE_SCRIPTS = (
    "support.js", "model.js", "view.js", "diagram.js", "operations.js", "charts.js", "details.js", "table.js",
    "trace_page.js",
)  # fmt: skip
"""The scripts of the page of a trace, in order: each uses only those before it."""

HISTORY_SCRIPTS = ("support.js", "history_page.js")
"""The scripts of the page of judged histories."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def page(data: dict[str, Any], scripts: Sequence[str] = TRACE_SCRIPTS) -> bytes:
    """The whole file of `data`, which these scripts draw."""
    encoded = msgspec.json.encode(data).replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    script = "\n".join(_asset(name) for name in scripts)
    head = (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<link rel="icon" href="data:,">\n'
        "<title>paxsim report</title>\n"
        f"<style>\n{_asset(STYLE)}</style>\n</head>\n<body>\n"
        "<noscript><p>This page draws a recorded run with JavaScript, which is switched off here.</p></noscript>\n"
        '<script type="application/json" id="data">'
    )
    tail = f'</script>\n<script>\n"use strict";\n(() => {{\n{script}\n}})();\n</script>\n</body>\n</html>\n'
    return head.encode() + encoded + tail.encode()


def _asset(name: str) -> str:
    return files("simulator.report").joinpath("page", name).read_text(encoding="utf-8")
