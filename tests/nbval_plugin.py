"""Strict nbval with the book's own comparison; used as ``pytest -p tests.nbval_plugin --nbval``.

Three changes to nbval: cells run with history, so that a trailing ``;`` hides what it hides in
JupyterLab; a cell that was never run, or that asks not to be compared, fails instead of passing
in silence; outputs are compared by ``tools.compare``.
"""

from __future__ import annotations

from typing import Any

from nbval import kernel, plugin

from tools.compare import outputs_difference


def _execute_with_history(self: Any, source: str, allow_stdin: bool | None = None) -> Any:
    return self.kc.execute(source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


def _compare_outputs(self: Any, test: Any, ref: Any, skip_compare: Any = None) -> bool:
    difference = outputs_difference(ref, test, self.cell.metadata)
    self.comparison_traceback = [difference]
    return not difference


_run_cell = plugin.IPyNbCell.runtest


def _run_strictly(self: Any) -> None:
    place, stored = self.cell_num + 1, self.cell.execution_count
    if stored != place:
        self.raise_cell_error(
            f"the stored notebook counts this cell {stored}, and it is the {place}. code cell: "
            "run the chapter again"
        )
    if not self.options["check"] or self.options["check_exception"]:
        self.raise_cell_error(
            "nbval's own markers are not used in this book: remove the tag or comment"
        )
    _run_cell(self)


kernel.RunningKernel.execute_cell_input = _execute_with_history
plugin.IPyNbCell.compare_outputs = _compare_outputs
plugin.IPyNbCell.runtest = _run_strictly
