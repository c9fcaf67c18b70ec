"""Words of reports."""


def counted(number: int, one: str) -> str:
    """A number of things by the name of one: 1 image, 1,000 images."""
    return f"{number:,} {one}{'s' * (number != 1)}"
