"""A mistake that mutations.py plants."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mistake:
    """What is wrong, in which source, its text and what stands there then."""
    name: str
    path: str
    text: str
    instead: str
    # What one of the broken rules has to say, where that is to be a certain
    # one; others may be broken, too.
    said: str = ""
    # Whether no other rule may find it: then it shows what this one is for.
    alone: bool = False
