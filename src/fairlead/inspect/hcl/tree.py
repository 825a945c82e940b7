"""The files that modules consist of, read once each."""

from __future__ import annotations

from functools import cached_property
from os.path import normpath
from pathlib import Path

from fairlead.inspect.hcl.bodies import literal, parse
from fairlead.inspect.hcl.syntax import Block, Body, Expression

MOST_BYTES = 2 * 1024 * 1024
SUFFIXES = (".tf", ".tofu")


class Folder:
    """One module as it is written. Later files of a name in `_override.tf` are not told apart."""

    def __init__(self, path: str, files: dict[str, Body]) -> None:
        self.path, self.files = path, files

    def _all(self, kind: str) -> list[Block]:
        return [block for body in self.files.values() for block in body.of(kind)]

    def _by_label(self, kind: str) -> dict[str, Block]:
        return {block.labels[0]: block for block in self._all(kind) if block.labels}

    def _by_labels(self, kind: str) -> dict[tuple[str, str], Block]:
        found = (block for block in self._all(kind) if len(block.labels) == 2)
        return {(block.labels[0], block.labels[1]): block for block in found}

    @cached_property
    def resources(self) -> dict[tuple[str, str], Block]:
        return self._by_labels("resource")

    @cached_property
    def data(self) -> dict[tuple[str, str], Block]:
        return self._by_labels("data")

    @cached_property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.resources}

    @cached_property
    def variables(self) -> dict[str, Block]:
        return self._by_label("variable")

    @cached_property
    def outputs(self) -> dict[str, Block]:
        return self._by_label("output")

    @cached_property
    def modules(self) -> dict[str, Block]:
        return self._by_label("module")

    @cached_property
    def locals(self) -> dict[str, Expression]:
        return {n: e for block in self._all("locals") for n, e in block.body.attributes.items()}


class Tree:
    """Reads what it is asked for. `texts` has all that was read, by name; `quoted` names the files
    that are templates or parts of something else."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.quoted: set[str] = set()
        self._folders: dict[str, Folder | None] = {}

    def folder(self, path: str) -> Folder | None:
        """The module there; None where there is none."""
        path = normpath(path)
        if path not in self._folders:
            self._folders[path] = self._read_folder(path)
        return self._folders[path]

    def _read_folder(self, path: str) -> Folder | None:
        try:
            names = sorted(p.name for p in Path(path).iterdir() if p.name.endswith(SUFFIXES))
        except OSError:
            return None
        files = {}
        for name in names:
            file = normpath(f"{path}/{name}")
            text = self.text(file)
            if text is not None:
                files[file] = parse(file, text)
        return Folder(path, files) if files else None

    def called(self, caller: Folder, block: Block) -> Folder | None:
        """The module that a call means, where it is one of this tree: by a path, which once was
        written without a dot too."""
        source = block.body.attributes.get("source")
        path = literal(source) if source else None
        if not path or path.startswith("/") or ":" in path:
            return None
        return self.folder(f"{caller.path}/{path}")

    def variables(self, file: str) -> Body | None:
        """A file of variables, such as terraform.tfvars."""
        text = self.text(file)
        return None if text is None else parse(file, text)

    def text(self, file: str) -> str | None:
        """None where there is no such file, it is too large or no text."""
        if file not in self.texts:
            try:
                path = Path(file)
                if not path.is_file() or path.stat().st_size > MOST_BYTES:
                    return None
                self.texts[file] = path.read_text(encoding="utf-8", errors="replace")
            except (OSError, ValueError):
                return None
        return self.texts[file]
