"""Reads Terraform: folders of it, and plans that `terraform show -json` wrote."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from fairlead.core.setup import Setup, Unknown, merged
from fairlead.inspect.documents import read_embedded
from fairlead.inspect.hcl.modules import Module
from fairlead.inspect.hcl.roots import root_folders, root_module
from fairlead.inspect.hcl.tree import Tree
from fairlead.inspect.lift.links import Links
from fairlead.inspect.lift.registry import made_by
from fairlead.inspect.lift.scripts import scripts
from fairlead.inspect.lift.terraform import KINDS, lifted
from fairlead.inspect.values import Resource

ABSENT = "module"  # the kind of a call of a module that is not in the tree


def read_folders(tree: Tree, folders: Mapping[str, Sequence[str]], named: Sequence[str]) -> Setup:
    """The set-ups of the root modules among these folders, which are given with the names of their
    files; `named` are files of variables that apply to each. Never raises."""
    roots = [
        root_module(tree, folder, folders[folder.path], named)
        for folder in root_folders(tree, folders)
    ]
    alone = len(roots) == 1
    return merged(tuple(_of_root(root, "" if alone else f"{root.folder.path}:") for root in roots))


def _of_root(root: Module, mark: str) -> Setup:
    absent = _absent(root)
    known = {call.address: made for call in absent if (made := made_by(call))}
    made = [resource for each in known.values() for resource in each]
    others = [call for call in absent if call.address not in known]
    resources = (*root.resources(KINDS), *others, *made)
    within = tuple(read_embedded(s.file, s.text, s.line) for s in scripts(Links(resources)))
    unread = Setup(unknown=tuple(dict.fromkeys(_unread(root, known))))
    return merged((lifted(resources, mark), *within, unread))


def _unread(root: Module, known: Container[str]) -> Iterator[Unknown]:
    """What could not be parsed, and modules of which it is not known what they make."""
    yield from root.unread()
    for address, block, _, caller in root.absent():
        why = caller.absence(block)
        if why and address not in known:
            yield Unknown(address, why, block.at)


def _absent(root: Module) -> list[Resource]:
    return [
        Resource(ABSENT, address, caller.settings(block, instance), block.at)
        for address, block, instance, caller in root.absent()
    ]
