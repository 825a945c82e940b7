from __future__ import annotations

import pytest

from fairlead.inspect.hcl.bodies import literal, parse
from fairlead.inspect.hcl.syntax import Body, Literal, Template, Text, Wrong


def parsed(text: str) -> Body:
    return parse("main.tf", text)


def text_of(source: str) -> str | None:
    body = parsed(source)
    assert not body.faults
    return literal(body.attributes["x"])


def test_blocks_have_labels_and_lines() -> None:
    (block,) = parsed('\n\nresource "aws_lb" "front" {\n  name = "a"\n}\n').blocks
    assert (block.kind, block.labels, block.at.line) == ("resource", ("aws_lb", "front"), 3)
    assert block.body.attributes["name"].at.line == 4


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('x = "a\\tb\\"c\\\\"', 'a\tb"c\\'),
        ('x = "caf\\u00e9"', "café"),
        ('x = "$${a} %%{b} $ % $a"', "${a} %{b} $ % $a"),
        ("x = <<EOT\n  a\n b\nEOT\n", "  a\n b\n"),
        ("x = <<-EOT\n    a\n      b\n\n    EOT\n", "a\n  b\n\n"),
        ("x = <<-EOT\n\ta\n\tb\nEOT\n", "a\nb\n"),
        ("x = <<EOT\nEOT\n", ""),
        ("x = <<EOT\nEOT2\n EOT\n", "EOT2\n"),
        ('x = "a" # b = "c"', "a"),
        ('x /* y */ = "a" // b', "a"),
    ],
)
def test_texts(source: str, text: str) -> None:
    assert text_of(source) == text


def test_the_parts_of_a_heredoc_know_their_lines() -> None:
    template = parsed("x = <<EOT\nfirst\n${a}\nthird ${b}\nEOT\n").attributes["x"]
    assert isinstance(template, Template)
    assert [part.at.line for part in template.parts] == [2, 3, 3, 4, 4]


def test_strip_markers_move_the_line_of_what_is_left() -> None:
    template = parsed("x = <<EOT\n${a ~}\n\n  rest\nEOT\n").attributes["x"]
    assert isinstance(template, Template)
    rest = template.parts[-1]
    assert isinstance(rest, Text)
    assert (rest.text, rest.at.line) == ("rest\n", 4)


@pytest.mark.parametrize(
    "wrong",
    ["x = ", "x = [1", 'x = "a', "x = <<EOT\na\n", "x = a ? b", "x = )", "x = 1 2", 'x = "${a"'],
)
def test_what_is_wrong_costs_its_attribute_and_not_the_next_block(wrong: str) -> None:
    body = parsed(
        f'resource "a" "b" {{\n  y = 1\n  {wrong}\n}}\n\nresource "c" "d" {{\n  z = 2\n}}\n'
    )
    assert [block.labels for block in body.blocks] == [("a", "b"), ("c", "d")]
    first, second = (block.body for block in body.blocks)
    assert first.attributes["y"] == Literal(first.attributes["y"].at, 1)
    assert isinstance(first.attributes["x"], Wrong)
    assert first.attributes["x"].at.line == 3
    assert isinstance(second.attributes["z"], Literal)


def test_a_missing_brace_does_not_swallow_the_next_block() -> None:
    body = parsed('resource "a" "b" {\n  y = 1\n\nresource "c" "d" {\n  z = 2\n}\n')
    assert [block.labels for block in body.blocks] == [("a", "b"), ("c", "d")]


def test_the_rest_of_a_block_is_read_after_a_fault() -> None:
    (block,) = parsed('resource "a" "b" {\n  x = {\n    1 2\n  }\n  y = 1\n}\n').blocks
    assert isinstance(block.body.attributes["x"], Wrong)
    assert isinstance(block.body.attributes["y"], Literal)


def test_windows_line_ends_and_a_mark_at_the_beginning() -> None:
    body = parsed('\ufeffx = 1\r\ny = <<EOT\r\na\r\nEOT\r\nz = "b"\r\n')
    assert not body.faults
    assert set(body.attributes) == {"x", "y", "z"}
