"""The process in which LiteRT runs: reads requests, answers them, ends when nobody asks any more.

It is run as a script and imports nothing of the project.  Requests are (unused, "start"),
(unused, "open", model, reference) and (unused, "run", number, inputs), ``unused`` being the numbers
of models to forget; an answer is (None, result), or ("missing", text) or ("error", text).
"""

import importlib
import os
import pickle
import sys


def main() -> None:
    """Answer requests until their end."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever LiteRT prints, nobody is to take for an answer
    opened = {}
    while True:
        try:
            unused, request, *arguments = pickle.load(requests)
        except EOFError:
            return
        for number in unused:
            del opened[number]
        try:
            answer = None, REQUESTS[request](opened, *arguments)
        except ImportError as error:
            answer = "missing", f"it is not installed ({error}): pip install ai-edge-litert"
        except Exception as error:  # whatever LiteRT's binding raises
            answer = "error", " ".join(str(error).split())
        pickle.dump(answer, answers)
        answers.flush()


def _start(opened) -> None:
    importlib.import_module("ai_edge_litert.interpreter")


def _prepared(model: bytes, reference: bool):
    """An interpreter, with reference kernels or, where LiteRT has none of these, its others."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kinds = [OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES]
    kinds = kinds if reference else kinds[1:]
    for kind in kinds:
        try:
            made = Interpreter(model_content=model, num_threads=1,
                               experimental_op_resolver_type=kind)
            made.allocate_tensors()
            return made
        except (RuntimeError, ValueError) as error:
            if kind == kinds[-1] or "Didn't find op" not in str(error):
                raise
    return None


def _open(opened, model: bytes, reference: bool):
    made = _prepared(model, reference)
    ports = made.get_input_details(), made.get_output_details()
    indices = [[one["index"] for one in side] for side in ports]
    number = max(opened, default=0) + 1
    opened[number] = made, *indices
    return number, [tuple(one["shape"].tolist()) for one in ports[1]]


def _run(opened, number: int, inputs):
    made, sources, targets = opened[number]
    for index, values in zip(sources, inputs, strict=True):
        made.set_tensor(index, values)
    made.invoke()
    return [made.get_tensor(index) for index in targets]


REQUESTS = {"start": _start, "open": _open, "run": _run}

if __name__ == "__main__":
    main()
