"""Progress bars for long work.

Belongs here: drawing. Not here: what is done (steps call ``progress(step, done, total)``).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

ProgressCallback = Callable[[str, int, int], None]


@contextlib.contextmanager
def progress_bars() -> Iterator[ProgressCallback]:
    """Give a function ``(step, done, total)`` that draws one bar per step on the error stream.

    Where the stream is not a terminal (a log, CI), each step is one line when it ends.
    """
    if not sys.stderr.isatty():
        yield _one_line_a_step()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield draw


def _one_line_a_step() -> ProgressCallback:
    ended: set[str] = set()

    def write(step: str, done: int, total: int) -> None:
        if done >= total and step not in ended:
            ended.add(step)
            sys.stderr.write(f"{step}: {done}/{total}\n")
            sys.stderr.flush()

    return write
