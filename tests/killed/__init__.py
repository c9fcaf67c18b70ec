"""Commands that are killed at random moments, and started again.

    python -m tests.killed [--count N] [--seed S] [--only KIND ...] [--report FILE.md]

Every command that writes files runs as a process of its own and gets SIGKILL, SIGTERM or SIGINT at
a random moment: of its own time, or before a random one of its file operations; some begin in a
folder with an earlier result, some two at a time on one cache.  Then:

- every file under its final name is whole; a folder that is one thing is the old or the new one;
- the same command, started again, ends well, with the files of one that nobody disturbed;
- nothing temporary is left beside them.

Trials are kept in build/killed/trials.jsonl, so that several calls add up to one report.
"""
