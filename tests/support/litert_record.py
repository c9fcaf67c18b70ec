"""Record what LiteRT's reference kernels answer for random models of one operator.

    pip install ai-edge-litert      (no dependency of the project)
    python -m tests.support.litert_record --each 6 --out tests/data/litert/operators.npz
    python -m tests.support.litert_record --pairs --out tests/data/litert/pairs.npz

With --pairs the models are not random, but hold all pairs of attribute values (tflite_pairs.py).
With --compare the golden model is held against LiteRT at once and nothing is written.
"""

import argparse
import collections
import pathlib
import tempfile

import numpy as np

from tests.support.tflite_pairs import draw_all
from tests.support.tflite_random import KINDS, draw


def reference(content: bytes, inputs) -> np.ndarray:
    """LiteRT's output for every image, one after another."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content, num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )  # fmt: skip
    interpreter.allocate_tensors()
    ports, (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for number in range(len(inputs[0])):
        for port, values in zip(ports, inputs, strict=True):
            interpreter.set_tensor(port["index"], values[number : number + 1])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(output["index"]).copy())
    return np.concatenate(answers)


def compare(content: bytes, inputs, answer) -> int:
    """Bytes in which the golden model differs."""
    from accel import frontend, golden
    from accel.graph import ports

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.tflite"
        path.write_bytes(content)
        graph = frontend.load(path)
    (output,) = ports.outputs(graph, golden.run(graph, ports.read_inputs(graph, inputs)))
    return int((output != answer).sum())


def models(pairs: bool, each: int):
    """Yield name, content and inputs of all models; of pairs, ``each`` covering arrays."""
    if pairs:
        for seed in range(each):
            yield from draw_all(seed)
        return
    for kind in KINDS:
        for seed in range(each):
            yield f"{kind}_{seed}", *draw(kind, seed)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=6,
                        help="models of every kind; of pairs, which have one, arrays to compare")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--out", default="tests/data/litert/operators.npz")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    if options.pairs and not options.compare:
        options.each = 1
    arrays, counts = {}, collections.Counter()
    for name, content, inputs in models(options.pairs, options.each):
        answer = reference(content, inputs)
        if options.compare:
            kind = name.rsplit("_", 1)[0]
            counts[kind, "values"] += answer.size
            counts[kind, "different"] += compare(content, inputs, answer)
            continue
        arrays[f"{name}|model"] = np.frombuffer(content, np.uint8)
        arrays[f"{name}|output"] = answer
        for number, values in enumerate(inputs):
            arrays[f"{name}|input{number}"] = values
    for (kind, what), count in counts.items():
        print(f"{kind}: {count} {what}")
    if arrays:
        path = pathlib.Path(options.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
