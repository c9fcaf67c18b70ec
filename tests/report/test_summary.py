from accel import models
from accel.estimate import estimate
from accel.params import Params

SMALL = Params(rows=8, cols=8)


def test_the_timeline_is_the_layers_in_the_order_of_completion():
    made = estimate("kws", params=SMALL, images=2)
    events = made["timeline"]
    assert models.BUILTIN["kws"].name == made["network"]
    rows = [row for row in made["layers"] if row["where"] != "host"]
    assert {one["name"] for one in events} == {row["name"] for row in rows}
    assert {one["where"] for one in events} == {"array", "window"}
    end = 0
    for one in events:
        end += one["cycles"]
        assert one["end"] == end
        assert one["cycles"] == one["busy"] + sum(one["idle"].values())
    # Two images alike, one a batch.
    assert made["total"]["cycles"] == 2 * end
