"""The TFLite importer; the only place that imports the tflite schema.

    file options records                           a file as plain records, every offset distrusted
    importer        operators in the file's order, each by its handler, or else the host's
    build view      the graph being built; checked views of its tensors and of an operator
    values          what a tensor of the file stands for
    weighted windows pointwise moves transposed    handlers, by the kind of operator
    pairs functions transposes                     more of these
    scales tables   LiteRT's reference arithmetic as integer factors and as 256 bytes
    prepare quantize reference coverage            float files
    parts writing macs    what no handler takes, as models of their own for LiteRT
"""
