"""The reset reaches every block before it ends at the first one, chains inside blocks included."""

import pytest
from amaranth.hdl import Fragment

from accel.params import Params
from accel.rtl.parts import reset
from accel.rtl.top import Accelerator


@pytest.mark.parametrize("guards", [False, True])
def test_all_blocks_are_in_reset_together(guards, monkeypatch):
    """How many registers a block's reset is behind the control's, by following the chains.

    A block's own ends a cycle after its link of the chain.
    """
    behind, begin, add = {}, reset.ResetChain.__init__, reset.ResetChain.add

    def begun(chain, m, source):
        begin(chain, m, source)
        behind.setdefault(id(source), 0)

    def added(chain, name, block, into=None):
        before = behind[id(chain._last)]
        found = add(chain, name, block, into)
        behind[id(chain._last)] = before + 1
        if hasattr(block, "reset"):
            behind[id(block.reset)] = before + 2
        kept.append((chain, block))  # an id is one object's while that lives
        return found

    kept = []
    monkeypatch.setattr(reset.ResetChain, "__init__", begun)
    monkeypatch.setattr(reset.ResetChain, "add", added)
    Fragment.get(Accelerator(Params(rows=4, cols=4, parity=guards, checksum=guards)), None)
    assert len(kept) > 20  # those of the window unit and of post-processing, too
    assert 10 < max(behind.values()) < reset.RESET_CYCLES
