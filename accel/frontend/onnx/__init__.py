"""The ONNX importer, exporter and quantiser; the only place that imports onnx and onnxruntime.

A file's way to a graph:

    importer    the file, checked by the onnx library; its nodes, in order, to their handlers
    sizes slices fitting    sizes, inferred without weights, and what they forbid
    nodes       attributes, window geometry and shapes of one node, checked
    values      what an ONNX value stands for: bytes with a scale, floats of such, sums, constants
                (orders known pending)
    stored      stored tensors, checked and read
    state build the state of one import: values by name, and the graph that grows from them
    quant qdq qoperator integer elementwise views    handlers, by the kind of operator
    weighted    from a layer's input, weights and bias to its pending sums
    behind      constants behind a layer, which become part of it
    layers      the same of layers without weights
    pixels      fully connected layers on every pixel
    emit        from a pending value, whose output scale is known by then, to a node of the graph
    add functions    ONNX Runtime's float32 arithmetic in integers and tables
    operators   which operators there are, and who takes them
    ports       a network's inputs and outputs, as its user sees them

and a float file's way to an int8 one:

    reading     the file in one form, whoever wrote it: weights beside, functions, old versions
    batches     known shapes of one image
    prepare     both, and what rewriting makes of it: affine, reductions, biases
    quantize    calibration and quantisation by ONNX Runtime's own tools
    coverage    what of the result the machine does not run, by operator
    reference   what the float model computes inside, to compare with
"""
