"""fairlead whatif: what happens when a service gets another count of copies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.place import Whole
from fairlead.core.errors import BadInput

if TYPE_CHECKING:
    from fairlead.core.model import Cluster
    from fairlead.core.whatif.given import Given
    from fairlead.core.whatif.model import Model
    from fairlead.core.whatif.predict import Prediction

NAMINGS = ("first", "tasks", "serving", "balancer")
STRATEGIES = ("as-is", "dynamic", "alb")
MOST = 200
"""Copies, and nodes."""
SETTINGS = "fairlead.yaml"
_COUNT = re.compile(r"([^=/\s]+)=(\S*)")


@click.command("whatif")
@click.argument("words", nargs=-1, metavar="[PATH]... SERVICE=N...")
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="as-is",
    show_default=True,
    help="As the files have it, or with fairlead (dynamic), or behind a load balancer.",
)
@click.option("--nodes", type=Whole(0, MOST), help="How many nodes.  [default: the set-up's]")
@click.option("--instance-type", default="", help="Type of the nodes.  [default: the set-up's]")
@click.option("--node-memory", type=Whole(1, 10**8), help="MiB that a node offers.")
@click.option("--node-cpu", type=Whole(1, 10**7), help="CPU units that it offers.")
@click.option("--enis", type=Whole(1, 100), help="Network interfaces of a node.")
@click.option(
    "--memory", multiple=True, metavar="SERVICE=MIB", help="What a task of a service takes."
)
@click.option("--address", multiple=True, help="The nodes' addresses, the first node's first.")
@click.option(
    "--dns",
    type=click.Choice(NAMINGS),
    help="What a name's answer has, where no file says it: the node of the first task, the nodes"
    " of all tasks, every node that serves, or a load balancer.",
)
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write a picture there."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(words: tuple[str, ...], strategy: str, svg: Path | None, **given: Any) -> int:
    """Say what N copies of a service would do: where ECS would put them, which would wait and
    why, who would get which share of the requests, what a loss and a deploy would cost.

    PATH is a set-up: a directory or file of Terraform, task definitions, CloudFormation, Compose,
    nginx and scripts, a cluster that runs (ecs:CLUSTER, ecs:REGION/CLUSTER), or fairlead.yaml.
    [default: the current directory]
    """
    as_json = given.pop("as_json")
    paths, counts = _sorted(words)
    model = _model(paths, counts, _given(given))
    found = _predicted(model, strategy)
    if svg:
        _draw(svg, found)
    if as_json:
        from fairlead.cli.whatif_document import document

        click.echo(json.dumps(document(found)))
    else:
        _show(found, _predicted(model, "dynamic") if strategy == "as-is" else None)
    return 0


def _sorted(words: tuple[str, ...]) -> tuple[list[Path], dict[str, int]]:
    """Paths, and counts. BadInput for words that are neither."""
    paths: list[Path] = []
    counts: dict[str, int] = {}
    for word in words:
        found = None if Path(word).exists() else _COUNT.fullmatch(word)
        if not found:
            paths.append(Path(word))
        elif found[1] in counts:
            raise BadInput(f"{found[1]} is given twice")
        else:
            counts[found[1]] = _number(word, found[2], MOST)
    if not counts:
        raise BadInput("which service, and how many copies of it? give SERVICE=N, as catalog=2")
    return paths or [Path()], counts


def _number(word: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > most:
        raise BadInput(f"{word}: expected a whole number from 0 to {most:,}")
    return int(text)


def _given(options: dict[str, Any]) -> Given:
    from fairlead.core.whatif.given import Given
    from fairlead.core.whatif.model import Naming
    from fairlead.prices.read import builtin

    naming = Naming(options["dns"]) if options["dns"] else None
    return Given(
        options["nodes"],
        options["instance_type"],
        options["node_memory"] or 0,
        options["node_cpu"] or 0,
        options["enis"] or 0,
        options["address"],
        naming,
        dict(_pair(each) for each in options["memory"]),
        builtin().machines,
    )


def _pair(word: str) -> tuple[str, int]:
    found = _COUNT.fullmatch(word)
    if not found:
        raise BadInput(f"--memory {word}: expected SERVICE=MIB")
    return found[1], _number(f"--memory {word}", found[2], 10**8)


def _model(paths: list[Path], counts: dict[str, int], given: Given) -> Model:
    from fairlead.core.setup import Setup
    from fairlead.core.whatif.build import model_of

    settings, others = _settings(paths)
    setup = _read(others) if others else Setup()
    if not setup.services and settings is None:
        raise BadInput(
            f"no service was found in {', '.join(map(str, paths))}: give the path of a set-up"
            f" (Terraform, task definitions, CloudFormation, Compose) or of a {SETTINGS}"
        )
    return model_of(setup, counts, given, settings)


def _settings(paths: list[Path]) -> tuple[Cluster | None, list[Path]]:
    """fairlead's own settings among them, and the other paths."""
    own = [path for path in paths if path.name == SETTINGS]
    others = [path for path in paths if path not in own]
    inside = [path / SETTINGS for path in others if (path / SETTINGS).is_file()]
    found = next(iter([*own, *inside]), None)
    if found is None:
        return None, others
    from fairlead.settings import load

    return load(found), others


def _read(paths: list[Path]) -> Any:
    from fairlead.inspect.source import look

    return look(paths)


def _predicted(model: Model, strategy: str) -> Prediction:
    from fairlead.core.whatif.model import balanced, dynamic
    from fairlead.core.whatif.predict import predict

    made = {"dynamic": dynamic, "alb": balanced}.get(strategy)
    return predict(made(model) if made else model)


def _draw(path: Path, found: Prediction) -> None:
    from fairlead.cli.whatif_svg import svg

    try:
        path.write_text(svg(found), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from error


def _show(found: Prediction, with_fairlead: Prediction | None) -> None:
    from fairlead.cli.whatif_view import lines

    for line in lines(found, with_fairlead, _width()):
        click.echo(line)


def _width() -> int:
    from shutil import get_terminal_size

    return max(60, min(120, get_terminal_size((100, 24)).columns))
