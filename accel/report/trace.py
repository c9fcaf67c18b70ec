"""A run's timeline as a trace file that Perfetto (ui.perfetto.dev) and Chrome's tracing open.

The format is Chrome's trace events in JSON; a cycle is shown as a microsecond.
"""

import pathlib

from accel.report.files import write_json
from accel.report.timeline import ENGINES, UNITS, spans

_PROCESS = 1
_THREADS = {unit: number for number, unit in enumerate(UNITS, 1)}
_ENGINE_THREADS = {name: number for number, name in enumerate(ENGINES, 11)}


def events(report: dict) -> list[dict]:
    """The trace events of the first batch of ``report``: a bar for each layer on its unit, and the
    units' busy shares between two completions as counters."""
    named = [_meta("process_name", f"{report['network']}, engine {report['engine']}", 0)]
    named += [_meta("thread_name", UNITS[unit], thread) for unit, thread in _THREADS.items()]
    found, begin = [], 0
    for layer in spans(report):
        found.append(
            {
                "ph": "X", "name": layer["name"], "cat": layer["op"], "pid": _PROCESS,
                "tid": _THREADS[layer["where"]], "ts": layer["begin"],
                "dur": layer["end"] - layer["begin"],
                "args": {name: layer[name] for name in ("op", "macs", "cycles", "busy", "idle")},
            }
        )  # fmt: skip
        for name, count in (("array busy, %", "busy"), ("window unit busy, %", "window_busy")):
            share = 100 * layer[count] / layer["cycles"] if layer["cycles"] else 0.0
            found.append(
                {"ph": "C", "name": name, "pid": _PROCESS, "ts": begin, "args": {"share": share}}
            )
        begin = layer["end"]
    return named + found + _engines(report)


def _engines(report: dict) -> list[dict]:
    """Where the report has it, a bar for each time in which an engine had commands under way."""
    found = []
    for name, bars in report.get("engines", {}).items():
        thread = _ENGINE_THREADS[name]
        found.append(_meta("thread_name", f"commands: {ENGINES[name]}", thread))
        found += [
            {"ph": "X", "name": ENGINES[name], "cat": "engine", "pid": _PROCESS, "tid": thread,
             "ts": begin, "dur": end - begin}
            for begin, end in bars
        ]  # fmt: skip
    return found


def _meta(kind: str, name: str, thread: int) -> dict:
    """What a process or a thread is called."""
    return {"ph": "M", "name": kind, "pid": _PROCESS, "tid": thread, "args": {"name": name}}


def write(report: dict, path: pathlib.Path) -> None:
    """Write the trace of ``report`` to ``path`` (JSON)."""
    write_json(
        {
            "traceEvents": events(report),
            "displayTimeUnit": "ms",
            "otherData": {"unit": "1 microsecond is 1 cycle"},
        },
        path,
    )
