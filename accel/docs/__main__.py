"""``python -m accel.docs``: the site; ``--check`` and ``--write`` run the tutorials' examples."""

import argparse
import pathlib
import sys
import tempfile

from accel.docs import site, stage, steps


def main() -> int:
    """Build the site, or run the pages' examples."""
    parser = argparse.ArgumentParser(prog="python -m accel.docs", description=__doc__)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("build/docs"))
    parser.add_argument("--check", action="store_true", help="run all examples instead")
    parser.add_argument("--write", action="store_true",
                        help="run them, and write what they print into the pages")  # fmt: skip
    parser.add_argument("pages", nargs="*", type=pathlib.Path,
                        help="of --check and --write; by default all")  # fmt: skip
    asked = parser.parse_args()
    try:
        if asked.check or asked.write:
            for page in asked.pages or sorted(stage.PAGES.rglob("*.md")):
                with tempfile.TemporaryDirectory(prefix="accel-docs-") as folder:
                    (steps.rewrite if asked.write else steps.run)(page, pathlib.Path(folder))
            return 0
        site.build(asked.output)
    except (site.DocsError, steps.StepError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"wrote {asked.output / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
