"""No text makes a reader raise, or takes it long: broken off anywhere, mixed up, or hostile."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.inspect.documents import read_document, read_embedded
from fairlead.inspect.nginx import read_confs, read_nginx
from fairlead.inspect.shell import read_shell
from fairlead.inspect.workflows import read_workflow
from tests.inspect.test_cloudformation import TEMPLATE
from tests.inspect.test_documents import BATCH, SERVICE, TASK
from tests.inspect.test_nginx import SITE
from tests.inspect.test_workflows import CIRCLE, GITHUB, GITLAB

SCRIPT = f"""#!/bin/bash
for t in $(aws ecs list-tasks --query 'taskArns[]'); do
  IP=${{IP:-$(curl -s "http://x")}}
done
cat > b.json <<EOF
{BATCH.replace("192.0.2.1", "$IP")}
EOF
aws route53 change-resource-record-sets --change-batch file://b.json
sudo tee /etc/nginx/a.conf <<'X' >/dev/null
{SITE}X
"""
COMPOSE = """x-a: &a {image: "a:${TAG:-1}"}
services:
  web:
    <<: *a
    ports: ["${PORT:-80}:80", {target: 1, published: 2}]
    volumes: ["db:/x:ro", {type: bind, source: ., target: /y}]
    healthcheck: {test: [CMD, x]}
    deploy: {resources: {limits: {memory: 1g, cpus: "0.5"}}}
    extends: web
volumes: {db: {driver: local}}
"""
TEXTS = (TASK, SERVICE, BATCH, TEMPLATE, SITE, SCRIPT, COMPOSE, GITHUB, GITLAB, CIRCLE)
READERS: tuple[Callable[[str, str], object], ...] = (
    read_document,
    read_embedded,
    read_nginx,
    read_shell,
    read_workflow,
    lambda name, text: read_confs({name: text}),
)
LONGEST = 10.0


def read_all(text: str) -> None:
    for read in READERS:
        read("x.yml", text)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:20].strip())
def test_texts_that_break_off_anywhere(text: str) -> None:
    for end in range(0, len(text), 1 + len(text) // 500):
        read_all(text[:end])


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(TEXTS), st.data())
def test_texts_with_a_stretch_of_another_in_them(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    other = data.draw(st.sampled_from(TEXTS))
    place = data.draw(st.integers(0, len(other)))
    read_all(other[:place] + text[start:end] + other[place:])


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="services:web{}[]!Ref&*<$()'\"\\\n -#|>%;AWS::x1\t\x00\ud800é"))
def test_any_text(text: str) -> None:
    read_all(text)
    read_all("services:\n  a:\n    image: x\n    ports: [" + text + "]\n")


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        "[" * 100_000,
        "server {" * 20_000,
        "$(" * 20_000,
        '"$(' * 5_000,
        "if " * 5_000,
        "cat <<EOF\n" * 2_000,
        "- " * 5_000 + "x",
        "{{" * 20_000,
        "{% " * 20_000,
        "aws ecs x --y " + "'" * 9_999,
        "services: {a: {image: x, ports: ['" + "${a:-" * 3_000 + "']}}",
        "server { set $a $b; set $b $a; location / { proxy_pass http://$a; } }",
        "A=$B; B=$A; aws ecs $A $B",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_texts_end_soon(text: str) -> None:
    start = time.monotonic()
    read_all(text)
    read_all("services:\n#!/bin/sh\naws\n" + text)
    assert time.monotonic() - start < LONGEST
