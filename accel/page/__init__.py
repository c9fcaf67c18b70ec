"""The playground: one HTML file in which a network runs on the machine's own RTL.

    program, weights --compiler--+
    RTL -> Verilog -> C++ -------+--zig--> WebAssembly --+--> one file: HTML, CSS, JavaScript, all
    pages' text, style, scripts  ------------------------+    data in it, no request to anywhere

``probes`` marks the registers that the page looks at, ``wasm`` builds the module, ``network`` and
``vectors`` describe the program for JavaScript, ``check`` runs the module and holds every byte and
the cycles against the golden model, ``bundle`` puts the file together.  The scripts are in ``web``,
to be read in the order of ``bundle.SCRIPTS``.
"""

from accel.errors import AccelError


class PageError(AccelError, ValueError):
    """A page cannot be made of a network, or not here; the message says what to do."""


__all__ = ["PageError"]
