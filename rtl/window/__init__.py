"""The window unit: depthwise convolution, pooling and addition, beside the array.

What has no sum over channels would use one row of the array in R.  So it has an engine of its own,
with its own buffer, parameters and store, which works on a layer while the array works on others:

    wload --> load, place --> buffer --T words of C bytes--> compute: C columns --> lanes --> store
                                ^                              ^ weights, biases     ^         |
    window -> walker: groups ---+------------------------------+                     |       memory
              offsets: T taps                                  |                     |      or the
    wparam -> params, slots: two records with weight tiles ----+------- scales ------+    im2col

T = ``params.window_taps`` elements of a window are taken a cycle, each a word of C channels; the
buffer is that of im2col with words for bytes.  A column multiplies them by weights and adds them
up, takes the greatest, or keeps two apart; ``scale`` brings two bytes to the scale of their sum.

Comes in: WLOAD, WPARAM and WINDOW commands; words of post-processing, which ``entrance`` lets into
the buffer between what copies bring.  Goes out: C bytes of an output, in raster order, to memory
or, with ``near``, to the array's buffer: for a pointwise convolution, which reads them from there.

When: an output of k elements takes max(ceil(k / T), C / window_lanes) cycles of issue; its vector
is there compute_latency + lanes_latency later, and SCALE_LATENCY more if it is an addition.
Nothing on the way stalls: an output begins when there is a place for its vector.
"""
