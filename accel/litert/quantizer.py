"""The process in which ai-edge-quantizer runs, as a script: FOLDER OPTIONS.

The folder has model.tflite and images.npz (in0, in1, ..: the inputs in order); int8.tflite is made.
OPTIONS is JSON: ``per_channel``, and ``keep``, expressions for the names of what stays float.
"""

import json
import pathlib
import sys

import numpy as np


def main(folder: pathlib.Path, per_channel: bool, keep: list[str]) -> None:
    """Quantise a file; input and output stay float."""
    from ai_edge_quantizer import qtyping, quantizer, recipe_manager
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    names = qtyping.TFLOperationName
    recipe = recipe_manager.RecipeManager()
    recipe.add_static_config(
        regex=".*", operation_name=names.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8,
        weight_granularity=qtyping.QuantGranularity[
            "CHANNELWISE" if per_channel else "TENSORWISE"],
    )  # fmt: skip
    for expression, name in (
        (".*", names.INPUT), (".*", names.OUTPUT), *((one, names.ALL_SUPPORTED) for one in keep),
    ):
        recipe.add_quantization_config(expression, name, algorithm_key=AlgorithmName.NO_QUANTIZE)
    made = quantizer.Quantizer((folder / "model.tflite").read_bytes())
    made.load_quantization_recipe(recipe.get_quantization_recipe())
    with np.load(folder / "images.npz") as file:
        arrays = {name: file[name] for name in file.files}
    count = len(next(iter(arrays.values())))
    images = [{name: values[n : n + 1] for name, values in arrays.items()} for n in range(count)]
    found = made.quantize(made.calibrate({"serving_default": images}))
    (folder / "int8.tflite").write_bytes(found.quantized_model)


if __name__ == "__main__":
    options = json.loads(sys.argv[2])
    main(pathlib.Path(sys.argv[1]), options["per_channel"], options["keep"])
