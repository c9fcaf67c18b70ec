"""Random layers on the RTL: every byte against golden, every counter against the cycle model.

    python -m tests.layers --count 100000 --seed 1 [--jobs 2] [--folder DIR]
        [--report FILE]

Each layer runs twice (tests/support/witnesses.py).  Machines take turns: every power of two, some
with buffers at their least.  What was found is kept in the folder, so that an interrupted campaign
goes on where it was; a layer that fails is made as small as one that still does.
"""

import argparse
import concurrent.futures
import dataclasses
import multiprocessing
import pathlib
import subprocess
import time

from tests.layers.campaign import CHUNK, Journal, run_chunk
from tests.layers.report import page


def commit() -> str:
    """Of which commit the sources are, or nothing where they are of none."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True,
                           text=True, cwd=pathlib.Path(__file__).parent)  # fmt: skip
    return asked.stdout.strip()


def main() -> None:
    """Run what the folder does not hold yet, print progress and each fault, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help=f"layers, in chunks of {CHUNK}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/layers"))
    parser.add_argument("--report", type=pathlib.Path)
    given = parser.parse_args()
    journal, began, source = Journal(given.folder / "chunks.jsonl"), time.perf_counter(), commit()
    numbers = range(-(-given.count // CHUNK))
    todo = [number for number in numbers if (given.seed, number) not in journal.chunks]
    print(f"seed {given.seed}, {len(numbers)} chunks, {len(todo)} to do", flush=True)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(given.jobs, mp_context=context) as pool:
        running = [pool.submit(run_chunk, given.seed, number) for number in todo]
        for done, one in enumerate(concurrent.futures.as_completed(running), 1):
            chunk = dataclasses.replace(one.result(), commit=source)
            journal.put(chunk)
            if chunk.failed:
                print(f"chunk {chunk.number} of seed {chunk.seed} on {chunk.machine}: "
                      f"{chunk.failed}", flush=True)
            print(f"{done} of {len(todo)} chunks, {time.perf_counter() - began:.0f} s", flush=True)
    chunks = [journal.chunks[given.seed, number] for number in numbers]
    if given.report:
        command = f"python -m tests.layers --count {given.count} --seed {given.seed}"
        given.report.write_text(page(chunks, command), encoding="utf-8")
    raise SystemExit(any(chunk.failed for chunk in chunks))


if __name__ == "__main__":
    main()
