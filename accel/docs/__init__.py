"""The documentation as a site, made of this checkout: ``python -m accel.docs``.

    pages      what is written by hand: Markdown, and the files that the tutorials work with
    steps      runs the tutorials: every command and every line of Python, outputs compared
    reference  what is written by the source: instructions, registers, report, machine, operators
    pictures   what is drawn by the source: figures of the machine from its parameters
    gallery    what the commands write: the playground, pages of runs, a sweep, a training
    stage      all of that, and the repository's own pages, in one folder
    site       Sphinx, which makes HTML of the folder; a warning is an error

Sphinx, because it reads signatures and docstrings out of the code itself and knows every reference
to them, makes a warning of what is gone, and searches without a server, from a folder of files;
MyST, because the repository's pages are Markdown; Furo, because it is readable on a telephone and
asks nobody for fonts.  (MkDocs Material, the other one that was considered, is no longer developed,
and its search wants a server or a plug-in.)

It lies here because it is about this package, beside the code that it is made of; as it reads the
whole checkout, it is not installed (pyproject.toml).
"""
