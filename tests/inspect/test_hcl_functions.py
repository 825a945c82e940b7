"""Results as `terraform console` gives them (https://developer.hashicorp.com/terraform/language/functions)."""

from __future__ import annotations

import pytest

from fairlead.core.setup import At
from fairlead.inspect.hcl.functions import call
from fairlead.inspect.hcl.results import Fault, known
from tests.inspect.terraform_ground import plainly

HERE = At("main.tf", 1)


def result(name: str, *arguments: object) -> object:
    return plainly(call(name, [known(argument, HERE) for argument in arguments], HERE))


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("merge", ({"a": 1}, None, {"a": 2, "b": 3}), {"a": 2, "b": 3}),
        ("concat", ([1], [], [2, 3]), [1, 2, 3]),
        ("lookup", ({"a": 1}, "a", 2), 1),
        ("element", (["a", "b"], 3), "b"),
        ("length", ({"a": 1},), 1),
        ("coalesce", (None, "", "a"), "a"),
        ("keys", ({"b": 1, "a": 2},), ["a", "b"]),
        ("values", ({"b": 1, "a": 2},), [2, 1]),
        ("flatten", ([[1], [[2], 3]],), [1, 2, 3]),
        ("distinct", (["a", "b", "a"],), ["a", "b"]),
        ("toset", (["b", "a", "b"],), ["a", "b"]),
        ("compact", (["a", "", None],), ["a"]),
        ("slice", ([1, 2, 3], 1, 3), [2, 3]),
        ("zipmap", (["a", "b"], [1, 2]), {"a": 1, "b": 2}),
        ("setproduct", (["a"], [1, 2]), [["a", 1], ["a", 2]]),
        ("range", (3,), [0, 1, 2]),
        ("range", (1, 8, 3), [1, 4, 7]),
        ("range", (3, 0), [3, 2, 1]),
        ("one", ([],), None),
        ("one", (["a"],), "a"),
        ("reverse", ([1, 2],), [2, 1]),
        ("setsubtract", (["a", "b"], ["a"]), ["b"]),
        ("index", (["a", "b"], "b"), 1),
        ("chunklist", ([1, 2, 3], 2), [[1, 2], [3]]),
        ("join", ("-", ["a", "b"]), "a-b"),
        ("split", (",", "a,b"), ["a", "b"]),
        ("format", ("%s-%03d-%v-%q", "a", 7, True, "b"), 'a-007-true-"b"'),
        ("format", ("%.2f%%", 12.345), "12.35%"),
        ("formatlist", ("%s:%s", ["a", "b"], "c"), ["a:c", "b:c"]),
        ("replace", ("a.b.c", ".", "-"), "a-b-c"),
        ("replace", ("ab12", "/[0-9]+/", "x"), "abx"),
        ("replace", ("a-b", "/(a)-(b)/", "$2-$1"), "b-a"),
        ("regex", ("[a-z]+", "12ab"), "ab"),
        ("regex", ("(?P<n>\\d+)", "a12"), {"n": "12"}),
        ("regexall", ("[a-z]", "a1b"), ["a", "b"]),
        ("substr", ("hello", 1, -1), "ello"),
        ("title", ("hello world",), "Hello World"),
        ("trim", ("?!a?", "!?"), "a"),
        ("trimspace", (" a\n",), "a"),
        ("trimsuffix", ("a.", "."), "a"),
        ("indent", (2, "a\nb"), "a\n  b"),
        ("tonumber", ("8",), 8),
        ("tostring", (8,), "8"),
        ("tobool", ("true",), True),
        ("max", (1, 3, 2), 3),
        ("sum", ([1, 2.5],), 3.5),
        ("ceil", (1.2,), 2),
        ("parseint", ("ff", 16), 255),
        ("alltrue", ([True, "true"],), True),
        ("basename", ("a/b.txt",), "b.txt"),
        ("cidrsubnet", ("10.0.0.0/16", 8, 2), "10.0.2.0/24"),
        ("cidrhost", ("10.0.0.0/24", 5), "10.0.0.5"),
        ("cidrsubnets", ("10.0.0.0/16", 4, 8), ["10.0.0.0/20", "10.0.16.0/24"]),
        ("jsonencode", ({"b": [1, None], "a": "x"},), '{"a":"x","b":[1,null]}'),
        ("jsondecode", ('{"a": [1]}',), {"a": [1]}),
        ("yamldecode", ("a:\n  - 1\n",), {"a": [1]}),
        ("base64encode", ("#!/bin/sh",), "#!/bin/sh"),
        ("base64decode", ("YQ==",), "a"),
    ],
)
def test_functions(name: str, arguments: tuple[object, ...], wanted: object) -> None:
    assert result(name, *arguments) == wanted


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("element", ([], 0)),
        ("lookup", ({}, "a")),
        ("tonumber", ("a",)),
        ("join", (1, 2, 3)),
        ("jsondecode", ("{",)),
        ("jsondecode", ("[" * 1000 + "]" * 1000,)),
        ("yamldecode", ("a: &x [1]\nb: *x\n",)),
        ("cidrsubnet", ("10.0.0.0/16", 100, 1)),
        ("regex", ("(a+)+$", "aaaa")),
        ("format", ("%99999d", 1)),
        ("merge", ([1],)),
        ("one", ([1, 2],)),
        ("upper", ()),
    ],
)
def test_what_fails_is_a_fault_with_a_reason(name: str, arguments: tuple[object, ...]) -> None:
    found = call(name, [known(argument, HERE) for argument in arguments], HERE)
    assert isinstance(found, Fault)
    assert found.unknown


def test_a_list_that_is_too_long_is_unknown() -> None:
    assert result("range", 1_000_000) == "?"
    assert result("setproduct", list(range(100)), list(range(100))) == "?"
