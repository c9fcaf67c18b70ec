"""The machine itself, in Amaranth: one block a module, wired together in accel.rtl.top."""
