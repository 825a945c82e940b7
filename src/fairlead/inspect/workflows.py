"""Workflows of GitHub, GitLab, CircleCI, CodeBuild and Bitbucket: what their steps run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from fairlead.core.setup import At, Call, Setup, merged
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.markup import block_start, documents
from fairlead.inspect.recipes import is_recipe, read_recipe
from fairlead.inspect.shell import read_shell
from fairlead.inspect.values import Value

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_DEPLOYS = {
    "aws-actions/amazon-ecs-deploy-task-definition": "update-service",
}
MOST_VALUES = 10_000
_NAMES = (".gitlab-ci", "buildspec", "bitbucket-pipelines")
_GITLAB = ("script", "before_script", "after_script")


def is_workflow(file: str, text: str) -> bool:
    """A file of one of these, or a Makefile or Jenkinsfile, by its place or its name."""
    if is_recipe(file):
        return True
    name = file.rpartition("/")[2]
    github = ".github/workflows/" in file or (name in ("action.yml", "action.yaml"))
    jobs = re.search(r"(?m)^(jobs|runs):", text)
    others = name.startswith(_NAMES) or ".circleci/" in file
    return bool((github and jobs) or others) and name.endswith((".yml", ".yaml"))


def read_workflow(file: str, text: str) -> Setup:
    """The calls that its steps make: in scripts, and by actions that deploy to ECS. Never raises
    for a text; Missing where tree-sitter-bash is."""
    if is_recipe(file):
        return read_recipe(file, text)
    lines = text.split("\n")
    found = [setup for whole in documents(file, text) for setup in _steps(file, whole, lines)]
    return merged(tuple(found))


def _steps(file: str, whole: Value, lines: Sequence[str]) -> Iterator[Setup]:
    jobs = [job for _, job in whole.get("jobs").members()]
    for job in (*jobs, whole.get("runs")):
        env = _joined(whole, job)
        for step in job.get("steps").items():
            yield from _step(file, step, env | _given(step), lines)
    for name, job in whole.members():
        for script in (job.get(each) for each in _GITLAB if name != "jobs"):
            yield from (_script(file, item, _named(whole, job), lines) for item in _flat(script))
    for script in _below(whole):
        env = _given(Value({"env": whole.get("env").get("variables")}))
        yield from (_script(file, item, env, lines) for item in _flat(script))


def _below(whole: Value) -> Iterator[Value]:
    """CodeBuild's commands by phase, and Bitbucket's scripts, which lie deep."""
    for _, phase in whole.get("phases").members():
        yield from (phase.get("commands"), phase.get("finally"))
    waiting = [whole.get("pipelines")]
    for _ in range(MOST_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        yield value.get("script")
        waiting += [item for name, item in value.members() if name != "script"]
        waiting += value.data if isinstance(value.data, tuple) else ()


def _flat(script: Value) -> Iterator[Value]:
    """GitLab's scripts may be lists in lists."""
    for item in script.items():
        yield from item.items() if isinstance(item.data, tuple) else (item,)


def _joined(whole: Value, job: Value) -> dict[str, str]:
    return _given(whole) | _given(job)


def _given(of: Value) -> dict[str, str]:
    """Variables under `env` whose value is written out."""
    pairs = ((name, shown(value)) for name, value in of.get("env").members())
    return {name: text for name, text in pairs if text and "${{" not in text}


def _named(whole: Value, job: Value) -> dict[str, str]:
    """GitLab's variables."""
    both = (*whole.get("variables").members(), *job.get("variables").members())
    return {name: shown(value) for name, value in both if "$" not in shown(value)}


def _step(file: str, step: Value, env: Mapping[str, str], lines: Sequence[str]) -> Iterator[Setup]:
    run = step.get("run")
    command = run.get("command") if isinstance(run.data, Mapping) else run
    if isinstance(command.data, str):
        yield _script(file, command, env, lines)
    uses = shown(step.get("uses"))
    operation = _DEPLOYS.get(uses.partition("@")[0])
    if operation:
        yield Setup(calls=(_call(operation, step, env),))


def _call(operation: str, step: Value, env: Mapping[str, str]) -> Call:
    given = step.get("with").members()
    options = {name: _filled(shown(value), env) for name, value in given}
    at = step.get("uses").at
    return Call("ecs", operation, options, at=At(at.file, at.line))


def _script(file: str, script: Value, env: Mapping[str, str], lines: Sequence[str]) -> Setup:
    """Expressions are one word each to the shell, and stand as written in what was read."""
    text, held = str(script.data or ""), dict[str, str]()

    def word(found: re.Match[str]) -> str:
        filled = _filled(found.group(), env)
        if filled != found.group():
            return filled
        mark = f"__expression_{len(held)}__"
        held[mark] = found.group()
        return mark

    setup = read_shell(file, _EXPRESSION.sub(word, text), block_start(lines, script.at))
    calls = tuple(_restored(call, held, env) for call in setup.calls)
    return replace(setup, calls=calls)


def _restored(call: Call, held: Mapping[str, str], env: Mapping[str, str]) -> Call:
    options = {name: _back(text, held, env) for name, text in call.options.items()}
    return replace(call, options=options)


def _back(text: str, held: Mapping[str, str], env: Mapping[str, str]) -> str:
    """With expressions in place, and variables of the environment."""
    text = re.sub(r"__expression_\d+__", lambda m: held.get(m.group(), m.group()), text)
    name = re.fullmatch(r"\$\{?(\w+)\}?", text)
    return env.get(name[1], text) if name else text


def _filled(text: str, env: Mapping[str, str]) -> str:
    def known(found: re.Match[str]) -> str:
        name = found[1].removeprefix("env.")
        return env.get(name, found.group()) if found[1].startswith("env.") else found.group()

    return _EXPRESSION.sub(known, text)
