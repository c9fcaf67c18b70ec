"""The TFLite importer; the only place that imports the tflite schema.

    file options    the flatbuffer's tables as plain records, every offset distrusted
    importer        operators in the file's order, each by its handler, or else the host's
    build values    what handlers share: checked views of tensors, the graph being built
    weighted windows pointwise moves transposed    handlers, by the kind of operator
    scales tables   LiteRT's reference arithmetic as integer factors and as 256 bytes
    parts writing macs    what no handler takes, as models of their own for LiteRT
"""
