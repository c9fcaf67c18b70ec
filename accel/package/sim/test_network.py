"""The network through driver and machine: every byte of every stored tensor, and the answers."""

import math
import struct

import cocotb
from system import MAP, VECTORS, System

IMAGES = len((VECTORS / "expected.bin").read_bytes()) // sum(
    one["height"] * one["width"] * one["channels"] for one in MAP["tensors"]
)
#: Floats behind a float softmax: another library's exponential may differ in the last bits.
TOLERANCE = 1e-5


def compare(system, image, place):
    """Every stored tensor of an image; returns how many bytes were compared."""
    expected = (VECTORS / "expected.bin").read_bytes()
    size = len(expected) // IMAGES
    expected = expected[image * size : (image + 1) * size]
    for tensor in MAP["tensors"]:
        count = tensor["height"] * tensor["width"] * tensor["channels"]
        wanted, expected = expected[:count], expected[count:]
        found = system.stored(tensor, place)
        differing = sum(a != b for a, b in zip(found, wanted, strict=True))
        assert not differing, f"image {image}: {differing} of {count} bytes of {tensor['name']}"
    return size


async def answers(system, image, place):
    """The outputs, as the user gets them."""
    for number, port in enumerate(MAP["outputs"]):
        values = (VECTORS / f"output_{number}.bin").read_bytes()
        found = await system.get(number, place)
        wanted = values[image * len(found) : (image + 1) * len(found)]
        assert len(wanted) == len(found) > 0
        softmax = port.get("softmax", {"arithmetic": "none"})["arithmetic"]
        if softmax != "float":
            assert found == wanted, f"image {image}, output {port['name']}"
            continue
        form = f"<{len(found) // 4}f" if port["dtype"] == "float32" else f"{len(found)}b"
        step = port["softmax"]["scale"] if port["softmax"]["dtype"] == "int8" else TOLERANCE
        step = step if port["dtype"] == "float32" else 1
        for a, b in zip(struct.unpack(form, found), struct.unpack(form, wanted), strict=True):
            assert math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1.001 * step), (a, b)


async def whole(dut, base, **how):
    """All images, as many at a time as the program takes; the program is loaded once."""
    system, compared, cycles = System(dut, base, **how), 0, set()
    await system.begin()
    assert await system.open() == "OK"
    assert await system.load() == "OK"
    batch = MAP["program"]["batch"]
    for first in range(0, IMAGES, batch):
        images = range(first, min(first + batch, IMAGES))
        await system.put(images)
        assert await system.call("accel_run") == "OK"
        cycles.add(await system.cycles())
        for place, image in enumerate(images):
            compared += compare(system, image, place)
            await answers(system, image, place)
    dut._log.info(
        "base %#x: %d images, %d bytes compared, all right; cycles of a run: %s",
        base, IMAGES, compared, sorted(cycles),
    )  # fmt: skip
    return cycles


@cocotb.test()
async def polling_at_0(dut):
    """Memory at bus address 0."""
    await whole(dut, 0)


@cocotb.test()
async def interrupt_at_40000000(dut):
    """Memory at 0x4000_0000, by the interrupt."""
    await whole(dut, 0x40000000, interrupt=True)


@cocotb.test()
async def with_stalls_at_7ffff000(dut):
    """A bus that stalls at random on all channels, and an odd base."""
    await whole(dut, 0x7FFFF000, interrupt=True, stalls=0.3)
