"""Covering arrays: few rows of options in which every pair of values of two options occurs."""

import itertools
import random

#: Candidates for the next row, of which the one with most new pairs is taken, and how many more
#: are drawn where few are possible.
TRIES, DESPERATE = 12, 300


def covering(options: dict[str, list], possible=lambda row: True, seed=0) -> list[dict]:
    """Return rows, each with one value for every option, that hold all possible pairs.

    Greedy: a row begins with a pair that is still missing; the other options, in random order,
    take the value that adds most missing pairs to what is chosen already.

    Args:
        options: their values by name.
        possible: whether a row is one; a pair that no row found can hold is left out.
        seed: of the random orders.
    """
    chance, names = random.Random(seed), list(options)
    missing = {
        ((a, i), (b, j))
        for a, b in itertools.combinations(range(len(names)), 2)
        for i in range(len(options[names[a]])) for j in range(len(options[names[b]]))
    }
    rows = []
    while missing:
        first = min(missing)
        made = (_row(options, names, missing, first, chance, number >= TRIES)
                for number in range(TRIES + DESPERATE))
        good = (row for row in made if possible(_values(options, row)))
        made = list(itertools.islice(good, TRIES))
        if not made:
            missing.remove(first)
            continue
        best = max(made, key=lambda row: len(_pairs(row) & missing))
        missing -= _pairs(best)
        rows.append(_values(options, best))
    return rows


def _row(options, names, missing, first, chance, freely) -> dict[int, int]:
    """Numbers of values by numbers of options, with the pair ``first``; the rest perhaps freely."""
    row = dict(first)
    for name in chance.sample(range(len(names)), len(names)):
        if name in row:
            continue
        values = range(len(options[names[name]]))
        if not freely:
            gains = [
                sum(tuple(sorted(((name, value), other))) in missing for other in row.items())
                for value in values
            ]
            values = [value for value in values if gains[value] == max(gains)]
        row[name] = chance.choice(values)
    return row


def _pairs(row) -> set:
    return set(itertools.combinations(sorted(row.items()), 2))


def _values(options, row) -> dict:
    return {name: values[row[number]] for number, (name, values) in enumerate(options.items())}
