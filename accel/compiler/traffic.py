"""Bus beats of a command, counted from its fields."""

import functools

import numpy as np

from accel.params import Params

#: Shapes of transfers whose beats are remembered.
_KNOWN = 1 << 14


def load_beats(fields: dict[str, int], bus: int) -> int:
    """Beats that a LOAD reads: every piece of every row separately."""
    if not fields["inner"]:
        return 0
    # Only where in a beat it begins makes a difference.
    return _load_beats(
        fields["src"] % bus, fields["inner"], fields["rows"], fields.get("row_pitch", 0),
        fields["items"], fields.get("item_pitch", 0), bus,
    )  # fmt: skip


@functools.lru_cache(_KNOWN)
def _load_beats(first, inner, rows, row_pitch, items, item_pitch, bus) -> int:
    starts = first + np.arange(rows)[:, None] * row_pitch + np.arange(items)[None, :] * item_pitch
    return int(((starts + inner - 1) // bus - starts // bus + 1).sum())


def store_beats(fields: dict[str, int], bus: int) -> int:
    """Beats that the image of a beginning POST writes: neighbours in one beat are merged."""
    return _store_beats(
        fields["dst"] % bus, fields["cols"], fields["out_h"], fields.get("pitch_y", 0),
        fields["out_w"], fields["pitch_x"], bus,
    )  # fmt: skip


@functools.lru_cache(_KNOWN)
def _store_beats(first, cols, out_h, pitch_y, out_w, pitch_x, bus) -> int:
    rows, pixels = np.arange(out_h)[:, None] * pitch_y, np.arange(out_w)[None, :] * pitch_x
    starts = (first + rows + pixels).reshape(-1)
    last = (starts + cols - 1) // bus
    starts = starts // bus
    merged = np.count_nonzero(starts[1:] == last[:-1])
    return int((last - starts + 1).sum()) - int(merged)


def record_bytes(tiles: int, params: Params) -> int:
    """Bytes that a WPARAM reads: whole beats."""
    tile = params.window_taps * params.cols
    beats = -(-tiles * tile // params.bus_bytes)
    return params.param_bytes + beats * params.bus_bytes
