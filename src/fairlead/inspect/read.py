"""Reads whatever a set-up is written in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairlead.core.setup import Setup, merged
from fairlead.inspect.hcl.tree import SUFFIXES, Tree
from fairlead.inspect.terraform import read_folders
from fairlead.inspect.walk import files_below


def read(paths: Sequence[Path]) -> Setup:
    """What the files at and below these paths set up. Raises BadInput for a path that is not
    there, Missing for a reader that must be installed; what cannot be read is unknown."""
    names = list(files_below(paths))
    tree = Tree()
    named = [str(path) for path in paths if path.suffix == ".tfvars"]
    setups = [read_folders(tree, _folders(names), named)]
    texts = {name: tuple(text.split("\n")) for name, text in tree.texts.items()}
    return merged((*setups, Setup(texts=texts)))


def _folders(names: Sequence[str]) -> dict[str, list[str]]:
    """The files of each folder that has Terraform in it."""
    beside: dict[str, list[str]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        beside.setdefault(folder or ("/" if name[0] == "/" else "."), []).append(file)
    return {f: files for f, files in beside.items() if any(n.endswith(SUFFIXES) for n in files)}
