"""How each built-in network is trained unless its user says otherwise."""

import dataclasses

from accel.train.settings import Settings


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Settings and the number of epochs."""

    settings: Settings = Settings()
    epochs: int = 10


#: Chosen on a split of the 4,000 training digits; the 1,000 held back had no part in it.
_DIGITS = Settings(optimiser="adam", learning_rate=0.002, decay=0.9, batch_size=16, jitter=1.5)
RECIPES: dict[str, Recipe] = {
    # As in the notes: by sample, plain SGD; it takes its first ten epochs to leave one half.
    "notes": Recipe(Settings("half_squared", "sgd", learning_rate=0.01, batch_size=1), 20),
    "shallow": Recipe(dataclasses.replace(_DIGITS, learning_rate=0.003), 40),
    "lenet5": Recipe(_DIGITS, 40),
}


def recipe(network: str) -> Recipe:
    """Return a network's recipe; a plain one for those without their own."""
    return RECIPES.get(network, Recipe())
