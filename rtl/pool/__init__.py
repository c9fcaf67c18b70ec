"""Pooling behind post-processing, so that a pooled layer never goes to memory unpooled.

    pixels --> rows: windows along a row --> columns: windows across rows --> average --> pixels
    in_h x in_w                  in_h x out_w          ^             out_h x out_w
                                                    sequence: which entry, when

Max and average, any window and stride; pixels come and results leave in raster order.  ``windows``
finds the windows that a coordinate lies in by counting, not by dividing.  A pixel is added to all
open windows of its row in a small memory; a window that ends goes on to the columns, which keep
out_w partial results for each window row that is open, in ``params.pool_entries`` entries.
Averages are sums with their count of elements, which a table of the scales by count and one
requantiser turn into bytes; padding holds no elements.

Comes in: int8 vectors of C channels and ``end`` tokens.  Goes out: the same, fewer.

When: a pixel a cycle where windows do not overlap, otherwise a cycle for each window that it lies
in; 3 cycles through the rows, 5 through the columns, an average C cycles and LATENCY more to come
out.  Without pooling the input is the output.
"""
