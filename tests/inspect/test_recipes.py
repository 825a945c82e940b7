"""Shell within Makefiles and Jenkinsfiles."""

from hypothesis import given
from hypothesis import strategies as st

from fairlead.inspect.recipes import is_recipe, read_recipe

MAKE = """SERVICE = catalog
X := $(shell aws ecs list-tasks)
scale:
\t@aws ecs update-service --service $(SERVICE) \\
\t\t--desired-count $${COUNT:-2}
# aws ecs nothing
\t-docker run -p 8083:8080 img
"""
JENKINS = """pipeline { steps {
  sh 'aws ecs list-tasks'
  sh(script: "aws ecs wait x", returnStdout: true)
  sh '''
    aws ecs update-service \\
      --desired-count 2
  '''
  echo 'aws ecs nothing'
} }
"""


def test_recipes_of_make() -> None:
    scale, run = read_recipe("a/Makefile", MAKE).calls
    assert (scale.operation, scale.at.line) == ("update-service", 4)
    assert scale.options == {"service": "${SERVICE}", "desired-count": "2"}
    assert (run.operation, run.at.line) == ("run", 7)


def test_steps_of_jenkins() -> None:
    found = read_recipe("Jenkinsfile.prod", JENKINS).calls
    assert [(c.operation, c.at.line) for c in found] == [
        ("list-tasks", 2),
        ("wait", 3),
        ("update-service", 5),
    ]


def test_they_are_known_by_name() -> None:
    assert is_recipe("a/Makefile")
    assert is_recipe("Jenkinsfile")
    assert not is_recipe("a/Makefile.md")


@given(st.text(alphabet="\t\n@$(){}sh'\"\\aws ec-"))
def test_no_text_is_too_strange(text: str) -> None:
    read_recipe("Makefile", text)
    read_recipe("Jenkinsfile", "sh '''" + text)
