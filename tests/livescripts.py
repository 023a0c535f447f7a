"""Run the pure part of a live figure's script in the Node that playwright brings along."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable

ASSETS = Path(__file__).resolve().parent.parent / "webassets" / "live"
Ask = Callable[..., Any]


def asking(script: str) -> Ask:
    """Give a function that runs ``body`` in Node with ``pure`` and ``input`` at hand."""
    driver = compute_driver_executable()
    node = str(driver[0] if isinstance(driver, tuple) else driver)

    def ask(body: str, **given: Any) -> Any:
        code = (
            f"const pure = require({json.dumps(str(ASSETS / script))});\n"
            'const input = JSON.parse(require("fs").readFileSync(0, "utf8"));\n'
            f"const answer = (() => {{ {body} }})();\n"
            "process.stdout.write(JSON.stringify(answer));"
        )
        run = subprocess.run(
            [node, "-e", code], input=json.dumps(given), capture_output=True,
            encoding="utf-8", check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return ask
