"""The ONNX importer, exporter and quantiser; the only place that imports onnx and onnxruntime.

A file's way to a graph:

    importer    the file, checked by the onnx library; its nodes, in order, to their handlers
    nodes       attributes, window geometry and shapes of one node, checked
    values      what an ONNX value stands for: bytes with a scale, floats of such, sums, constants
    stored      stored tensors, checked and read
    state build the state of one import: values by name, and the graph that grows from them
    quant qdq qoperator integer elementwise views    handlers, by the kind of operator
    weighted    from a layer's input, weights and bias to its pending sums
    layers      the same of layers without weights
    emit        from a pending value, whose output scale is known by then, to a node of the graph
    add functions    ONNX Runtime's float32 arithmetic in integers and tables
    ports       a network's inputs and outputs, as its user sees them

and the way back: ``export`` writes float networks, ``quantize`` makes them int8.
"""
