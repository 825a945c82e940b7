"""Which folders of a tree are root modules, and what they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os.path import normpath

from fairlead.inspect.hcl.evaluate import Scope, evaluate
from fairlead.inspect.hcl.functions import call
from fairlead.inspect.hcl.modules import Module, Root
from fairlead.inspect.hcl.tree import Folder, Tree
from fairlead.inspect.hcl.work import Work
from fairlead.inspect.markup import documents
from fairlead.inspect.values import Value


def root_folders(tree: Tree, paths: Iterable[str]) -> list[Folder]:
    """Those that no other calls; where all of them call one another, the first."""
    folders = {f.path: f for f in (tree.folder(path) for path in paths) if f}
    calls = {path: set(_called(tree, folder)) - {path} for path, folder in folders.items()}
    called = set().union(*calls.values())
    roots = [path for path in folders if path not in called]
    reached: set[str] = set()
    for path in [*roots, *folders]:
        if path not in reached and path not in roots:
            roots.append(path)
        _reach(path, calls, reached)
    return [folders[path] for path in roots]


_OWN = ("terraform.tfvars", "terraform.tfvars.json")
_AUTO = (".auto.tfvars", ".auto.tfvars.json")


def _called(tree: Tree, folder: Folder) -> list[str]:
    called = (tree.called(folder, block) for block in folder.modules.values())
    return [each.path for each in called if each]


def _reach(path: str, calls: Mapping[str, set[str]], reached: set[str]) -> None:
    rest = [path]
    while rest:
        here = rest.pop()
        if here not in reached:
            reached.add(here)
            rest += calls.get(here, ())


def root_module(tree: Tree, folder: Folder, beside: Sequence[str], named: Sequence[str]) -> Module:
    """The module, with the values that Terraform takes by itself (terraform.tfvars, *.auto.tfvars,
    both as JSON too, among the files `beside` it), and those of the files that were named."""
    taken = [name for name in _OWN if name in beside]
    taken += sorted(name for name in beside if name.endswith(_AUTO))
    files = [*(normpath(f"{folder.path}/{name}") for name in taken), *named]
    given: dict[str, Callable[[], Value]] = {}
    for file in files:
        given |= _given(tree, file)
    return Module(folder, Root(tree, folder.path), given)


def _given(tree: Tree, file: str) -> dict[str, Callable[[], Value]]:
    if file.endswith(".json"):
        whole = documents(file, tree.text(file) or "")
        return {name: _constant(value) for of in whole[:1] for name, value in of.members()}
    body = tree.variables(file)
    if body is None:
        return {}
    scope = Scope(lambda _: None, call, Work())
    found = {name: evaluate(value, scope) for name, value in body.attributes.items()}
    return {name: _constant(value) for name, value in found.items()}


def _constant(value: Value) -> Callable[[], Value]:
    return lambda: value
