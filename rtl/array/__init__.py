"""The systolic array and its accumulators: R bytes in, C sums out, every cycle.

                          weights: records and tiles from memory
                             |  a row of C weights a cycle
                             v  (shadow registers)
    im2col --R bytes--> [ R x C cells ] --C sums, skewed--> accumulators --> post
               swap -->   (``pe``)                          two banks, biases

``systolic`` skews the edges: lane r enters row r after r cycles and one column further each cycle.
Each cell multiplies by its working weight while its shadow weight is loaded with the next tile's;
the swap travels with the data, one cycle ahead of a tile's first vector, so the array changes
tiles without draining.  ``accumulator``: column c adds each vector's sum to its row of the bank
that is being filled, or to the bias in the first tile; the columns stay skewed, and the memories
do the de-skewing.  While one bank fills, post-processing reads the other.

Comes in: vectors with a tag each, swaps, WEIGHTS commands and what they read.  Goes out: int32
sums, and ``block_done`` when a bank may be read.

When: column c's sum of a vector is there R - 1 + PE_LATENCY + c cycles after the vector;
``block_done`` R + PE_LATENCY + C - 1 cycles after the tag of the block's last vector.  A tile's
rows are loaded in R cycles, from the cycle of the swap before on: tiles of at least R vectors
follow each other without a bubble, shorter ones take R cycles.
"""
