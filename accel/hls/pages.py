"""The pages beside the C++: README.md, Makefile and run.tcl."""

from collections.abc import Mapping

from accel.hls.check import FLAGS, HOST_SOURCE, SOURCES
from accel.hls.names import comment
from accel.hls.network import Network, meaning, size
from accel.hls.plan import ALIGN
from accel.hls.split import on_host


def makefile(net: Network) -> str:
    """Compile and run the testbench."""
    sources = " ".join(_sources(net))
    headers = "network.h layers.h expected.h" + " host.h" * net.part.hosted
    return f"""\
# make test: compile the network and its testbench, run it, compare every layer.
# Labels of loops and pragmas are for synthesis tools, so warnings about them are off.

ifeq ($(origin CXX),default)
CXX = c++
endif
CXXFLAGS = {" ".join(FLAGS)}

test: testbench
\t./testbench

testbench: {sources} {headers}
\t$(CXX) $(CXXFLAGS) {sources} -o $@

clean:
\trm -f testbench

.PHONY: test clean
"""


def _sources(net: Network) -> tuple[str, ...]:
    return (*SOURCES, HOST_SOURCE) if net.part.hosted else SOURCES


def run_tcl(net: Network) -> str:
    """C simulation and synthesis in Vitis HLS, of one top function after the other."""
    data = "weights.bin parameters.bin input.bin expected.bin"
    bench = " ".join(name for name in _sources(net) if name != "network.cpp")
    return f"""\
# Vitis HLS: C simulation, then synthesis.    vitis_hls -f run.tcl
#
# NOT TESTED: this script was written from the tool's documentation and never run in it.  What was
# tested is the C++, with the compiler and the flags of the Makefile.

foreach top {{{" ".join(net.tops)}}} {{
    open_project -reset vitis_$top
    set_top $top
    add_files network.cpp -cflags "-std=c++14" -csimflags "-DACCEL_HLS_OBSERVE"
    foreach name {{{bench}}} {{
        add_files -tb $name -cflags "-std=c++14 -DACCEL_HLS_OBSERVE"
    }}
    foreach name {{{data}}} {{ add_files -tb $name }}

    open_solution -reset solution
    set_part xczu9eg-ffvb1156-2-e
    create_clock -period 5 -name default

    csim_design
    csynth_design
}}
exit
"""


def readme(net: Network, images: int, notes: Mapping[str, str]) -> str:
    """What is in the folder and how to go on from it.

    Args:
        net: the network.
        images: how many there are to compare on.
        notes: sentences about weights or images that are random.
    """
    graph, sizes = net.part.graph, net.plan.sizes
    about = "".join(f"\nMade up here: {text}." for text in notes.values())
    remarks, more = _steps(net) + about, _host_files(net)
    noun = "image" if images == 1 else "images"
    rows = "\n".join(
        f"| {number} | {layer.name} | {comment(layer.node.op)} | "
        f"{size(layer.source)} | {size(layer.target)} | {layer.macs:,} |"
        for number, layer in enumerate(net.layers, 1)
    )
    return f"""\
# {comment(graph.name)} in C++ for high-level synthesis

An int8 network, layer by layer, as loop nests: {net.macs:,} MACs an image. Written by `accel hls`.

    make test        compile with any C++14 compiler, run {images} {noun}, compare every layer

The comparison is byte by byte with what a golden model, which shares no code with this C++,
computed for every layer. It prints a line a layer and fails if one byte differs.{remarks}

## Files

| file | what it is |
|---|---|
| `layers.h` | the layers as templates: convolution, fully connected, pools, addition; start here |
| `network.h` | generated: each layer's sizes and constants |
| `network.cpp` | generated: {_tops(net)}, a call a layer |
{more}| `weights.bin` | int8 weights [filter][row][column][channel], and tables of activations |
| `parameters.bin` | int32 biases, multipliers and shifts |
| `input.bin`, `expected.bin`, `expected.h` | images, every layer's expected bytes, their list |
| `testbench.cpp`, `Makefile` | the comparison |
| `run.tcl` | Vitis HLS: C simulation and synthesis; **not tested**, see there |
| `export.json` | what was exported, and a hash of each file |

## The network

{_ports(net)}
{_host(net)}| | layer | operation | input | output | MACs |
|---:|---|---|---|---|---:|
{rows}

Long or odd names are replaced; `export.json` has the network's own. Tensors are int8
[height][width][channels]. Those between layers share `memory`, {sizes["memory"]:,} bytes:
space is used again as soon as a tensor's last reader is done. Each begins at a multiple of
{ALIGN} bytes, as do the weights and parameters of each layer.

## From here to hardware

Nothing here has been synthesised. As it stands, each layer is hardware of its own that multiplies
once a cycle at best and fetches every operand over AXI: right, and slow.

1. Bring data close: copy the rows and weights that some filters need into local arrays.
2. Tile `filters`, `rows` and `columns` until these arrays fit into block RAM. Loops may change
   places: sums of integers do not depend on the order.
3. `ARRAY_PARTITION` the arrays and `UNROLL` channels or filters: as many MACs a cycle.
4. Layers of one shape can share hardware: make the template's constants arguments.
5. `make test` after every step: the table's first difference is where it went wrong.
{_float(net)}"""


def _steps(net: Network) -> str:
    """What is said of float layers in the middle."""
    if not net.part.hosted:
        return ""
    names = ", ".join(comment(layer.node.name) for layer in net.layers if on_host(layer.node))
    return (f"\nLayers of the host ({names}) are float: their bytes may be a step off, and what\n"
            "is behind them is compared given the expected ones.")


def _tops(net: Network) -> str:
    names = ", ".join(f"`{top}`" for top in net.tops)
    return f"the top function {names}" if len(net.tops) == 1 else f"the top functions {names}"


def _host_files(net: Network) -> str:
    """Rows of the table of files, of layers that are not for synthesis."""
    if not net.part.hosted:
        return ""
    return f"""\
| `host.cpp` | generated: `{net.whole}`, the top functions in turn and the host's layers between |
| `host.h` | those layers as plain C++ in float32, for a processor: **not for synthesis** |
"""


def _float(net: Network) -> str:
    """A remark for networks that are requantised in floating point."""
    if not any(layer.shape.rounding.startswith("FLOAT") for layer in net.layers):
        return ""
    return """
`Rounding::FLOAT` and `FLOAT_ODD` are ONNX Runtime's requantiser: one float32 product for each
output. A network that was quantised for TensorFlow Lite needs integers only.
"""


def _ports(net: Network) -> str:
    """What the bytes of inputs and outputs mean."""
    lines = []
    for side, names in (("input", net.part.inputs), ("output", net.part.outputs)):
        for name in names:
            one = net.part.graph.tensors[name]
            lines.append(f"- `{side}`: {comment(name)}, int8 {meaning(one)}")
    return "\n".join(lines) + "\n"


def _host(net: Network) -> str:
    """What is not in the C++."""
    names = ", ".join(f"{comment(node.name)} ({comment(node.op)})" for node in net.part.left_out)
    return f"Left to the host, behind the output: {names}.\n\n" if names else ""
