"""Reads whatever a set-up is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from os.path import normpath
from pathlib import Path

from fairlead.core.setup import Setup, merged
from fairlead.inspect.created import with_created
from fairlead.inspect.documents import read_document, read_embedded, read_texts
from fairlead.inspect.hcl.tree import SUFFIXES, Tree
from fairlead.inspect.nginx import is_nginx, read_confs
from fairlead.inspect.plan import is_plan, read_plan
from fairlead.inspect.shell import is_script
from fairlead.inspect.stacks import CALLS
from fairlead.inspect.terraform import read_folders
from fairlead.inspect.walk import files_below
from fairlead.inspect.workflows import is_workflow, read_workflow

_DOCUMENTS = (".json", ".yml", ".yaml", ".template")
_SCRIPTS = (".sh", ".bash", ".tpl", ".tftpl", ".tmpl", ".j2", ".erb")
_VARIABLES = (".tfvars", ".tfvars.json")
_TEMPLATE = re.compile(r"([\w.-]+\.(?:ya?ml|json|template))\b")
_CONFS = (".conf", ".nginx", ".vhost")


def read(paths: Sequence[Path]) -> Setup:
    """What the files at and below these paths set up. Raises BadInput for a path that is not
    there, Missing for a reader that must be installed; what cannot be read is unknown."""
    names = list(files_below(paths))
    tree = Tree()
    named = [normpath(path) for path in paths if path.name.endswith(_VARIABLES)]
    terraform = read_folders(tree, _folders(names), named)
    others = tuple(_others(names, tree))
    texts = {name: tuple(text.split("\n")) for name, text in tree.texts.items()}
    return with_created(merged((terraform, *others, Setup(texts=texts))))


def _folders(names: Sequence[str]) -> dict[str, list[str]]:
    """The files of each folder that has Terraform in it."""
    beside: dict[str, list[str]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        beside.setdefault(folder or ("/" if name[0] == "/" else "."), []).append(file)
    return {f: files for f, files in beside.items() if any(n.endswith(SUFFIXES) for n in files)}


def _others(names: Sequence[str], tree: Tree) -> Iterator[Setup]:
    """What is no Terraform, and no part of it."""
    confs: dict[str, str] = {}
    for name in _callers_first([n for n in names if n not in tree.texts and _worth(n)], tree):
        text = tree.text(name) or ""
        if name in tree.quoted:
            yield read_texts(name, text) if "AWS::" in text else Setup()
        elif _is_conf(name) and is_nginx(text):
            confs[name] = text
        elif is_workflow(name, text):
            yield read_workflow(name, text)
        elif name.endswith(".json") and is_plan(text):
            yield read_plan(name, text)
        elif name.endswith(_DOCUMENTS):
            yield read_document(name, text, _beside(name, tree)) or Setup()
        elif name.endswith(_SCRIPTS) or is_script(name, text):
            yield read_embedded(name, text)
    yield read_confs(confs)


def _callers_first(names: Sequence[str], tree: Tree) -> list[str]:
    """Templates that call others before those that are called, which are read as their parts."""
    texts = {n: tree.text(n) or "" for n in names if n.endswith(_DOCUMENTS)}
    named = {n: set(_TEMPLATE.findall(text)) for n, text in texts.items() if CALLS.search(text)}

    def order(name: str) -> int:
        file = name.rpartition("/")[2]
        called = any(file in files for caller, files in named.items() if caller != name)
        return 2 if name not in named else 1 if called else 0

    return sorted(names, key=order)


def _worth(name: str) -> bool:
    bare = "." not in name.rpartition("/")[2]
    return bare or name.endswith((*_DOCUMENTS, *_SCRIPTS)) or _is_conf(name)


def _is_conf(name: str) -> bool:
    file = name.rpartition("/")[2]
    named = any(f"{kind}." in f"{file}." for kind in _CONFS)
    return named or "nginx" in file or "/sites-" in name or "/conf.d/" in name


def _beside(name: str, tree: Tree) -> Callable[[str], str | None]:
    """What another file asks for is a part of that one."""
    folder = name.rpartition("/")[0] or "."

    def text(path: str) -> str | None:
        file = normpath(f"{folder}/{path}")
        found = tree.text(file)
        if found is not None:
            tree.quoted.add(file)
        return found

    return text
