"""Comparisons in the form that an FPGA does fastest."""


def negative(value):
    """Whether a signed value is below 0: its sign bit, where ``value < 0`` would subtract."""
    return value[-1]


def less(a, b):
    """Whether a < b (an Amaranth expression): the sign of their difference.

    ``a < b`` itself is the carry out of a subtraction; from the end of an ECP5's carry chain it
    takes another cell, and a sixth of a clock period, to get back to logic.
    """
    return negative(a - b)
