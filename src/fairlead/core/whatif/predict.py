"""All of it: where tasks go, what requests do, what losses and deploys do."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.core.whatif.deploy import Deploy, deploy
from fairlead.core.whatif.follow import Flow, answers, follow
from fairlead.core.whatif.loss import Loss, losses
from fairlead.core.whatif.model import Kind, Model, Naming, Way
from fairlead.core.whatif.scene import Scene, each_scene, scene_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the ways in which ECS may place the tasks."""

    scene: Scene
    flows: tuple[Flow, ...]

    @property
    def failing(self) -> float:
        return max((flow.failing for flow in self.flows), default=0.0)


@dataclass(frozen=True, slots=True)
class Unreached:
    """A task that runs, and that no request comes to."""

    task: str
    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """`outcomes` has the one that is told of first."""

    model: Model
    outcomes: tuple[Outcome, ...]
    losses: tuple[Loss, ...]
    deploys: tuple[Deploy, ...]

    @property
    def scene(self) -> Scene:
        return self.outcomes[0].scene

    @property
    def flows(self) -> tuple[Flow, ...]:
        return self.outcomes[0].flows

    @property
    def unreached(self) -> tuple[Unreached, ...]:
        return unreached(self.model, self.scene, self.flows)


def predict(model: Model) -> Prediction:
    first = scene_of(model)
    others = [each for each in each_scene(model) if each != first]
    outcomes = tuple(outcome(model, each) for each in (first, *others))
    rolled = (name for name in model.asked if not model.service(name).compose)
    deploys = tuple(deploy(model, first, name) for name in rolled)
    return Prediction(model, outcomes, losses(model, first), deploys)


def outcome(model: Model, scene: Scene) -> Outcome:
    return Outcome(scene, follow(model, scene, answers(model, scene)))


def unreached(model: Model, scene: Scene, flows: tuple[Flow, ...]) -> tuple[Unreached, ...]:
    """Of the services that some way leads to, and whose ways are all known to their end."""
    served = {flow.way.service for flow in flows}
    served -= {flow.way.service for flow in flows if flow.unknown}
    reached = {task for flow in flows for task in flow.shares}
    left = (t for t in scene.tasks if t.service in served and t.name not in reached)
    return tuple(Unreached(t.name, t.node, _why(model.ways_to(t.service)[0])) for t in left)


def _why(way: Way) -> str:
    if way.naming is Naming.FIRST:
        return f"DNS names another node for {way.host}, whose proxy does not send here"
    if way.kept:
        return "no DNS answer leads to a proxy that has it"
    if any(target.kind is Kind.ONCE for target in way.targets):
        return "the proxy has looked its name up when it started, and finds it when it is reloaded"
    if any(target.kind is Kind.LOCAL for target in way.targets):
        return f"no DNS answer for {way.host} names its node, or no proxy has its port"
    return f"no proxy's servers for {way.host} lead to it"
