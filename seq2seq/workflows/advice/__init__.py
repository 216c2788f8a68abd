"""Warnings for configurations that run but cannot learn, or learn badly: each a code, a reason, a remedy.

A check is a function with a name that is its code; docs/advice.md tells of each why it is there. What a check
goes by stands in the recipe alone, in facts measured of its text, or in the machine.
"""

from seq2seq.workflows.advice.concern import Advice, Check, asked, code
from seq2seq.workflows.advice.course import COURSE_CHECKS
from seq2seq.workflows.advice.facts import Facts, measure
from seq2seq.workflows.advice.machine import MACHINE_CHECKS, Machine
from seq2seq.workflows.advice.model import MODEL_CHECKS
from seq2seq.workflows.advice.rate import RATE_CHECKS
from seq2seq.workflows.advice.text import TEXT_CHECKS
from seq2seq.workflows.recipe import Recipe

__all__ = ["CODES", "Advice", "Facts", "Machine", "advise", "advise_recipe", "measure"]

RECIPE_CHECKS: tuple[Check, ...] = (*MODEL_CHECKS, *RATE_CHECKS, *COURSE_CHECKS)
ALL_CHECKS: tuple[Check, ...] = (*RECIPE_CHECKS, *TEXT_CHECKS, *MACHINE_CHECKS)
CODES = tuple(code(check) for check in ALL_CHECKS)


def advise_recipe(recipe: Recipe) -> list[Advice]:
    """What the recipe alone lets fear."""
    return asked(RECIPE_CHECKS, recipe)


def advise(recipe: Recipe, facts: Facts, machine: Machine) -> list[Advice]:
    """What the recipe, its text and the machine let fear."""
    of_text = asked(TEXT_CHECKS, recipe, facts)
    return [*advise_recipe(recipe), *of_text, *asked(MACHINE_CHECKS, recipe, machine, facts.parameters)]
