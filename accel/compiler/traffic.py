"""Bus beats of a command, counted from its fields."""

import numpy as np

from accel.params import Params


def load_beats(fields: dict[str, int], bus: int) -> int:
    """Beats that a LOAD reads: every piece of every row separately."""
    if not fields["inner"]:
        return 0
    rows = np.arange(fields["rows"])[:, None] * fields.get("row_pitch", 0)
    items = np.arange(fields["items"])[None, :] * fields.get("item_pitch", 0)
    first = fields["src"] + rows + items
    return int(((first + fields["inner"] - 1) // bus - first // bus + 1).sum())


def store_beats(fields: dict[str, int], bus: int) -> int:
    """Beats that the image of a beginning POST writes: neighbours in one beat are merged."""
    rows = np.arange(fields["out_h"])[:, None] * fields.get("pitch_y", 0)
    pixels = np.arange(fields["out_w"])[None, :] * fields["pitch_x"]
    first = (fields["dst"] + rows + pixels).reshape(-1)
    last = (first + fields["cols"] - 1) // bus
    first = first // bus
    merged = np.count_nonzero(first[1:] == last[:-1])
    return int((last - first + 1).sum()) - int(merged)


def record_bytes(tiles: int, params: Params) -> int:
    """Bytes that a WPARAM reads: whole beats."""
    tile = params.window_taps * params.cols
    beats = -(-tiles * tile // params.bus_bytes)
    return params.param_bytes + beats * params.bus_bytes
