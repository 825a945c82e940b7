"""Workflows: what their steps call."""

from fairlead.core.setup import At
from fairlead.inspect.workflows import is_workflow, read_workflow

GITHUB = """on: workflow_dispatch
env:
  CLUSTER: shop
jobs:
  scale:
    env: {SERVICE: catalog}
    steps:
      - uses: actions/checkout@v4
      - run: |
          # scale
          aws ecs update-service --cluster $CLUSTER \\
            --service ${{ env.SERVICE }} --desired-count ${{ inputs.count || 1 }}
      - run: aws ecs wait services-stable
      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2
        with:
          service: ${{ matrix.service }}
          cluster: ${{ env.CLUSTER }}
"""
GITLAB = """variables: {CLUSTER: shop}
deploy:
  before_script: [aws ecs list-tasks]
  script:
    - aws ecs update-service --cluster "$CLUSTER"
    - - echo
      - |
        aws ecs wait services-stable
"""
CIRCLE = """jobs:
  deploy:
    steps:
      - checkout
      - run:
          name: deploy
          command: |
            aws ecs update-service
      - run: aws ecs list-tasks
"""


def test_steps_of_github() -> None:
    update, wait, deploy = read_workflow("w.yml", GITHUB).calls
    assert update.at == At("w.yml", 11)
    assert update.options == {
        "cluster": "shop",
        "service": "catalog",
        "desired-count": "${{ inputs.count || 1 }}",
    }
    assert (wait.operation, wait.at) == ("wait", At("w.yml", 13))
    assert (deploy.operation, deploy.at) == ("update-service", At("w.yml", 14))
    assert deploy.options == {"service": "${{ matrix.service }}", "cluster": "shop"}


def test_composite_actions() -> None:
    text = "runs:\n  using: composite\n  steps:\n    - run: aws ecs list-tasks\n"
    assert [c.at.line for c in read_workflow("action.yml", text).calls] == [4]


def test_scripts_of_gitlab() -> None:
    found = {c.operation: c for c in read_workflow(".gitlab-ci.yml", GITLAB).calls}
    assert {name: c.at.line for name, c in found.items()} == {
        "list-tasks": 3,
        "update-service": 5,
        "wait": 8,
    }
    assert found["update-service"].options == {"cluster": "shop"}


def test_steps_of_circleci() -> None:
    found = read_workflow(".circleci/config.yml", CIRCLE).calls
    assert [(c.operation, c.at.line) for c in found] == [("update-service", 8), ("list-tasks", 9)]


def test_other_files_are_no_workflows() -> None:
    assert is_workflow(".github/workflows/x.yml", GITHUB)
    assert is_workflow("a/.gitlab-ci.yml", GITLAB)
    assert is_workflow(".circleci/config.yml", CIRCLE)
    assert not is_workflow("workflows/x.yml", GITHUB)
    assert not is_workflow(".github/workflows/x.yml", "a: 1")
    assert not is_workflow(".github/dependabot.yml", "jobs:\n")
    assert read_workflow("w.yml", "jobs: [a, {b: c}]\nruns: x\n").calls == ()


def test_commands_of_codebuild() -> None:
    text = (
        "env: {variables: {CLUSTER: shop}}\nphases:\n  build:\n    commands:\n"
        "      - echo\n      - aws ecs update-service --cluster $CLUSTER\n"
    )
    (found,) = read_workflow("buildspec.yml", text).calls
    assert (found.at.line, found.options) == (6, {"cluster": "shop"})
    assert is_workflow("ci/buildspec-prod.yml", text)


def test_scripts_of_bitbucket() -> None:
    text = (
        "pipelines:\n  branches:\n    main:\n      - parallel:\n        - step:\n"
        "            script:\n              - aws ecs list-tasks\n"
    )
    assert [c.at.line for c in read_workflow("bitbucket-pipelines.yml", text).calls] == [7]
