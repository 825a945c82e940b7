"""Small trees of Terraform for the tests of its reader."""

from __future__ import annotations

import textwrap
from pathlib import Path

from fairlead.core.setup import Setup
from fairlead.inspect.hcl.modules import Module
from fairlead.inspect.hcl.results import Thing
from fairlead.inspect.hcl.roots import root_folders, root_module
from fairlead.inspect.hcl.tree import Tree
from fairlead.inspect.read import read
from fairlead.inspect.values import Value


def written(folder: Path, **files: str) -> Path:
    """The folder with these files; `__` in a name is `/`, and `_tf` at its end `.tf`."""
    for name, text in files.items():
        place = folder / name.replace("__", "/").replace("_tfvars", ".tfvars").replace("_tf", ".tf")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text))
    return folder


def setup_of(folder: Path, **files: str) -> Setup:
    return read([written(folder, **files)])


def module_of(folder: Path, **files: str) -> Module:
    """The only root module of these files."""
    written(folder, **files)
    tree = Tree()
    paths = sorted({str(path.parent) for path in folder.rglob("*.tf")})
    (root,) = root_folders(tree, paths)
    return root_module(tree, root, sorted(path.name for path in folder.iterdir()), [])


def local(folder: Path, text: str, **files: str) -> Value:
    """What `local.x` is in a module with this text."""
    return module_of(folder, main_tf=text, **files).local("x")


def plainly(value: Value) -> object:
    """Data, with `?` for what is not known."""
    if isinstance(value, Thing) or value.unknown:
        return "?"
    if isinstance(value.data, tuple):
        return [plainly(item) for item in value.data]
    if isinstance(value.data, dict):
        return {name: plainly(item) for name, item in value.data.items()}
    return value.data
