"""A module with the values of its variables: what its names mean, and its resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from os.path import relpath

from fairlead.core.setup import Unknown
from fairlead.inspect.hcl import blocks, data
from fairlead.inspect.hcl.evaluate import Scope, evaluate
from fairlead.inspect.hcl.files import Files
from fairlead.inspect.hcl.instances import Instance, Instances, instances
from fairlead.inspect.hcl.known_modules import is_known, known_output
from fairlead.inspect.hcl.results import (
    AFTER_APPLY,
    Fault,
    Thing,
    referring,
    unknown,
    used,
    written,
)
from fairlead.inspect.hcl.syntax import Block, Body, Expression, Literal, Wrong
from fairlead.inspect.hcl.tree import Folder, Tree
from fairlead.inspect.hcl.types import converted
from fairlead.inspect.hcl.work import Work
from fairlead.inspect.values import Resource, Value

MOST_CHAIN = 8  # modules that call one another
MOST_MODULES = 300  # of one root module
_BUSY = Value(unknown="it is defined by itself")


@dataclass(slots=True)
class Root:
    """What all modules below one root share."""

    tree: Tree
    path: str
    work: Work = field(default_factory=Work)
    modules: int = 0


class Module:
    """`given` are the values of variables, by name, each worked out when asked for; `prefix` is
    that of its addresses."""

    def __init__(
        self,
        folder: Folder,
        root: Root,
        given: Mapping[str, Callable[[], Value]],
        prefix: str = "",
        chain: tuple[str, ...] = (),
    ) -> None:
        self.folder, self.root, self.given, self.prefix = folder, root, given, prefix
        self.chain = (*chain, folder.path)
        self._known: dict[object, Value] = {}
        self._children: dict[tuple[str, str], Module | None] = {}
        self._instances: dict[object, Instances] = {}
        root.modules += 1
        self.files = Files(root.tree, root.path, root.work)
        self.scope = Scope(self.name, self.files.call, root.work)

    def resources(self, kinds: frozenset[str]) -> Iterator[Resource]:
        """Those of these kinds, here and in the modules that are called."""
        for (kind, name), block in self.folder.resources.items():
            if kind in kinds:
                yield from self._made(kind, name, block)
        for name, block in self.folder.modules.items():
            for instance in self._of("module", name, block).all:
                child = self._child(name, block, instance)
                if child:
                    yield from child.resources(kinds)

    def unread(self) -> Iterator[Unknown]:
        """What of it, and of the modules below, could not be parsed."""
        for file, body in self.folder.files.items():
            for fault in _faults(body):
                yield Unknown(file, fault.why, fault.at)
        for name, block in self.folder.modules.items():
            for instance in self._of("module", name, block).all:
                child = self._child(name, block, instance)
                if child:
                    yield from child.unread()

    def absent(self) -> Iterator[tuple[str, Block, Instance, Module]]:
        """Calls of modules that are not in the tree: address, call, instance, and who calls."""
        for name, block in self.folder.modules.items():
            for instance in self._of("module", name, block).all:
                child = self._child(name, block, instance)
                if child:
                    yield from child.absent()
                else:
                    yield f"{self.prefix}module.{name}{instance.suffix}", block, instance, self

    def settings(self, block: Block, instance: Instance | None = None) -> Value:
        """All that a block says."""
        return blocks.settings(block.body, self._within(instance or Instance()), block.at)

    def _made(self, kind: str, name: str, block: Block) -> Iterator[Resource]:
        for instance in self._of("resource", f"{kind}.{name}", block).all:
            address = f"{self.prefix}{kind}.{name}{instance.suffix}"
            settings = self.settings(block, instance)
            if instance.unsure and isinstance(settings.data, dict):
                count = Value(origin=(block.at,), unknown=instance.unsure)
                settings = Value({**settings.data, "count": count}, settings.origin)
            yield Resource(kind, address, settings, block.at)

    def _of(self, kind: str, name: str, block: Block) -> Instances:
        key = (kind, name)
        if key not in self._instances:
            self._instances[key] = Instances("unsure", (Instance(unsure=_BUSY.unknown),))
            found = instances(block.body, lambda e: evaluate(e, self.scope))
            self._instances[key] = found
        return self._instances[key]

    def _within(self, instance: Instance) -> Scope:
        return self.scope.with_names(**instance.names) if instance.names else self.scope

    # What names mean.

    def name(self, name: str) -> Value | None:
        """The meaning of the first name of a reference."""
        named = _NAMES.get(name)
        if named:
            return named(self)
        if name in self.folder.kinds:
            return Thing(unknown=AFTER_APPLY, look=lambda of: self._resource(name, of))
        if "_" in name:
            lost = Value(unknown="it is not in these files")
            return Thing(unknown=AFTER_APPLY, look=lambda of: referring(lost, f"{name}.{of}"))
        return None

    def once(self, key: object, work: Callable[[], Value]) -> Value:
        """What `work` yields, worked out once; unknown where it leads back to itself."""
        if key not in self._known:
            self._known[key] = _BUSY
            try:
                self._known[key] = work()
            except RecursionError:
                self._known[key] = Value(unknown="nested too deeply")
        return self._known[key]

    def variable(self, name: str) -> Value:
        return self.once(("var", name), lambda: self._variable(name))

    def _variable(self, name: str) -> Value:
        block = self.folder.variables.get(name)
        if not block:
            return Fault(unknown=f"there is no variable {name}")
        kind = block.body.attributes.get("type")
        nullable = block.body.attributes.get("nullable", Literal(block.at, value=True))
        value = self.given[name]() if name in self.given else None
        if value is None or (not value.given and nullable == Literal(nullable.at, value=False)):
            value = self._default(name, block)
        return converted(value, kind, lambda e: evaluate(e, self.scope))

    def _default(self, name: str, block: Block) -> Value:
        default = block.body.attributes.get("default")
        if default is None:
            lost = Value(refers=(f"{self.prefix}var.{name}",))
            return unknown(block.at, f"the variable {name} has no value", lost)
        return evaluate(default, self.scope)

    def local(self, name: str) -> Value:
        value = self.folder.locals.get(name)
        if value is None:
            return Fault(unknown=f"there is no local {name}")
        return self.once(("local", name), lambda: evaluate(value, self.scope))

    def _resource(self, kind: str, name: str) -> Value:
        block = self.folder.resources.get((kind, name))
        address = f"{self.prefix}{kind}.{name}"
        if not block:
            return Value(unknown="it is not in these files", refers=(address,))
        found = self._of("resource", f"{kind}.{name}", block)
        thing = found.gathered(lambda one: self._thing(block, address, one, data.unsaid))
        return referring(thing, address) if found.kind != "one" else thing

    def data_source(self, kind: str, name: str) -> Value:
        block = self.folder.data.get((kind, name))
        address = f"{self.prefix}data.{kind}.{name}"
        if not block:
            return Fault(unknown=f"there is no data source {kind}.{name}", refers=(address,))
        found = self._of("data", f"{kind}.{name}", block)
        return found.gathered(lambda one: self._thing(block, address, one, data.looked_up))

    def _thing(self, block: Block, base: str, instance: Instance, absent: data.Absent) -> Value:
        address, scope = base + instance.suffix, self._within(instance)

        def look(name: str) -> Value:
            return self.once((address, name), lambda: worked_out(name))

        def worked_out(name: str) -> Value:
            value = blocks.member(block.body, name, scope)
            if value is None:
                value = absent(self, block, scope, name)
            return referring(used(value, block.at) if not value.origin else value, address)

        why = instance.unsure or AFTER_APPLY
        several = bool(instance.unsure)
        return Thing(None, (block.at,), why, (address,), look, several)

    # Modules that it calls.

    def module(self, name: str) -> Value:
        block = self.folder.modules.get(name)
        if not block:
            return Fault(unknown=f"there is no module {name}")
        found = self._of("module", name, block)
        return found.gathered(lambda one: self._called(name, block, one))

    def _called(self, name: str, block: Block, instance: Instance) -> Value:
        address = f"{self.prefix}module.{name}{instance.suffix}"
        child = self._child(name, block, instance)
        look = child.output if child else self._absent_output(address, block, instance)
        why = instance.unsure or "it is a module"
        return Thing(None, (block.at,), why, (address,), look, bool(instance.unsure))

    def _source(self, block: Block) -> str:
        return written(blocks.member(block.body, "source", self.scope) or Value())

    def _absent_output(
        self, address: str, block: Block, instance: Instance
    ) -> Callable[[str], Value]:
        lost = Value(origin=(block.at,), unknown=self.absence(block), refers=(address,))
        source = self._source(block)
        scope = self._within(instance)

        def given(name: str) -> Value:
            return blocks.member(block.body, name, scope) or Value()

        def look(name: str) -> Value:
            known = known_output(source, name, given, block.at)
            return referring(lost, f"{address}.{name}") if known is None else known

        return look

    def output(self, name: str) -> Value:
        block = self.folder.outputs.get(name)
        if not block or "value" not in block.body.attributes:
            return Fault(unknown=f"the module {self.prefix} has no output {name}")
        value = block.body.attributes["value"]
        return self.once(("output", name), lambda: evaluate(value, self.scope))

    def absence(self, block: Block) -> str:
        """Why a module that is called is not read; nothing where it is known without that."""
        if is_known(self._source(block)):
            return ""
        if self.root.tree.called(self.folder, block):
            return "it is a module of itself, or there are too many"
        return "the module is not one of these files"

    def _child(self, name: str, block: Block, instance: Instance) -> Module | None:
        key = (name, instance.suffix)
        if key not in self._children:
            self._children[key] = self._new_child(name, block, instance)
        return self._children[key]

    def _new_child(self, name: str, block: Block, instance: Instance) -> Module | None:
        folder = self.root.tree.called(self.folder, block)
        full = self.root.modules >= MOST_MODULES or len(self.chain) >= MOST_CHAIN
        if not folder or full or folder.path in self.chain:
            return None
        given = self._given(block, instance)
        prefix = f"{self.prefix}module.{name}{instance.suffix}."
        return Module(folder, self.root, given, prefix, self.chain)

    def _given(self, block: Block, instance: Instance) -> dict[str, Callable[[], Value]]:
        scope = self._within(instance)

        def later(value: Expression) -> Callable[[], Value]:
            return lambda: used(evaluate(value, scope), value.at)

        return {name: later(value) for name, value in block.body.attributes.items()}

    def paths(self, name: str) -> Value:
        """Those of modules, as the user named them, relative to the root module's folder."""
        if name == "module":
            return Value(relpath(self.folder.path, self.root.path))
        if name in ("root", "cwd"):
            return Value(".")
        return Fault(unknown=f"there is no path.{name}")

    def terraform(self, name: str) -> Value:
        """Which workspace it is will be said when it is applied."""
        if name == "workspace":
            return Value(unknown="the workspace is not known", refers=("terraform.workspace",))
        return Fault(unknown=f"there is no terraform.{name}")


def _faults(body: Body) -> Iterator[Wrong]:
    yield from body.faults
    for block in body.blocks:
        yield from _faults(block.body)


_NAMES: dict[str, Callable[[Module], Value]] = {
    "var": lambda m: Thing(unknown="it is all variables", look=m.variable),
    "local": lambda m: Thing(unknown="it is all locals", look=m.local),
    "module": lambda m: Thing(unknown="it is all modules", look=m.module),
    "path": lambda m: Thing(unknown="it is all paths", look=m.paths),
    "terraform": lambda m: Thing(unknown="it is Terraform", look=m.terraform),
    "data": lambda m: Thing(
        unknown="it is all data",
        look=lambda kind: Thing(
            unknown="it is all data", look=lambda name: m.data_source(kind, name)
        ),
    ),
}
