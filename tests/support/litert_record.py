"""Record what LiteRT's reference kernels answer for random models of one operator.

    pip install ai-edge-litert      (no dependency of the project)
    python -m tests.support.litert_record --each 6 --out tests/data/litert/operators.npz

With --compare the golden model is held against LiteRT at once and nothing is written.
"""

import argparse
import collections
import pathlib
import tempfile

import numpy as np

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


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=6, help="models of every kind")
    parser.add_argument("--out", default="tests/data/litert/operators.npz")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    arrays, counts = {}, collections.Counter()
    for kind in KINDS:
        for seed in range(options.each):
            content, inputs = draw(kind, seed)
            answer = reference(content, inputs)
            if options.compare:
                counts[kind, "values"] += answer.size
                counts[kind, "different"] += compare(content, inputs, answer)
                continue
            arrays[f"{kind}_{seed}|model"] = np.frombuffer(content, np.uint8)
            arrays[f"{kind}_{seed}|output"] = answer
            for number, values in enumerate(inputs):
                arrays[f"{kind}_{seed}|input{number}"] = values
    for (kind, what), count in counts.items():
        print(f"{kind}: {count} {what}")
    if arrays:
        path = pathlib.Path(options.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main()
