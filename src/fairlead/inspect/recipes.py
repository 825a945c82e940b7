"""Shell within Makefiles and Jenkinsfiles."""

from __future__ import annotations

import re

from fairlead.core.setup import Setup, merged
from fairlead.inspect.shell import read_shell

_RECIPE = re.compile(r"\t[@+-]*(.*)", re.DOTALL)
_MAKES = re.compile(r"\$\$|\$\((\w+)\)")
_STEP = re.compile(
    r"\bsh\b[\s(]*(?:script:\s*)?(?:(?P<long>'''|\"\"\")(?P<text>.*?)(?P=long)"
    r"|'(?P<one>(?:\\.|[^'\\\n])*)'|\"(?P<two>(?:\\.|[^\"\\\n])*)\")",
    re.DOTALL,
)


def is_recipe(file: str) -> bool:
    name = file.rpartition("/")[2]
    return name in ("Makefile", "makefile", "GNUmakefile") or name.startswith("Jenkinsfile")


def read_recipe(file: str, text: str) -> Setup:
    """What its steps call, at their lines. Never raises for a text; Missing where tree-sitter-bash
    is."""
    return _jenkins(file, text) if "Jenkinsfile" in file.rpartition("/")[2] else _make(file, text)


def _make(file: str, text: str) -> Setup:
    """All recipes as one script, which has the lines of the file."""
    lines = []
    goes_on = False
    for line in text.split("\n"):
        recipe = _RECIPE.fullmatch(line)
        lines.append(recipe[1] if recipe else line if goes_on else "")
        goes_on = bool(lines[-1]) and line.endswith("\\")
    return read_shell(file, _MAKES.sub(_for_shell, "\n".join(lines)))


def _for_shell(found: re.Match[str]) -> str:
    """make's variables are no commands to the shell."""
    return "${" + found[1] + "}" if found[1] else "$"


def _jenkins(file: str, text: str) -> Setup:
    found = []
    for step in _STEP.finditer(text):
        kind = step.lastgroup if step.lastgroup in ("one", "two") else "text"
        line = text.count("\n", 0, step.start(kind)) + 1
        found.append(read_shell(file, step[kind] or "", line))
    return merged(tuple(found))
