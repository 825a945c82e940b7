"""CloudFormation's functions, one by one."""

import pytest

from fairlead.inspect.hcl.results import plain
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.intrinsics import Template
from fairlead.inspect.markup import documents
from fairlead.inspect.values import Value

WHOLE = """Parameters:
  Env: {Type: String, Default: dev}
  List: {Type: CommaDelimitedList, Default: "a, b"}
  Ami: {Type: AWS::SSM::Parameter::Value<String>, Default: /aws/ami}
  Open: {Type: String}
Mappings: {Sizes: {dev: {type: t3.micro}}}
Conditions:
  Dev: !Equals [!Ref Env, dev]
  Open: !Equals [!Ref Open, x]
  Neither: !And [!Not [!Condition Dev], !Condition Open]
  Either: !Or [!Condition Open, !Condition Dev]
  Perhaps: !And [!Condition Dev, !Condition Open]
  Odd: {Fn::Odd: [1]}
Resources: {Web: {Type: AWS::ECS::Service}}
"""


def value(text: str) -> Value:
    (whole,) = documents("t.yml", f"{WHOLE}Asked: {text}\n")
    return Template(whole).value(whole.get("Asked"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("!Ref Env", "dev"),
        ("!Ref List", ["a", "b"]),
        ("!Select [1, !Ref List]", "b"),
        ("!Select [0, !Split ['-', 'x-y']]", "x"),
        ("!Join ['/', [a, !Ref Env, 1]]", "a/dev/1"),
        ("!Join [',', !Ref List]", "a,b"),
        ("!Sub '${Env}-${!Env}-$x'", "dev-${Env}-$x"),
        ("!Sub ['${A}${Env}', {A: !Ref Env}]", "devdev"),
        ("!FindInMap [Sizes, !Ref Env, type]", "t3.micro"),
        ("{'Fn::Base64': !Sub 'x${Env}'}", "xdev"),
        ("!If [Dev, 1, 2]", 1),
        ("!If [Neither, 1, 2]", 2),
        ("!If [Either, 1, 2]", 1),
        ("!If [Open, 1, 1]", 1),
        ("[a, !If [Dev, !Ref 'AWS::NoValue', b]]", ["a"]),
        ("{a: 1, b: !Ref 'AWS::NoValue'}", {"a": 1}),
    ],
)
def test_what_is_known(text: str, found: object) -> None:
    assert plain(value(text)) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!Ref Open", "Open has no default"),
        ("!Ref Ami", "Ami has no default"),
        ("!Ref 'AWS::Region'", "known only to AWS"),
        ("!Ref Nowhere", "known only to AWS"),
        ("!If [Open, 1, 2]", "whether Open holds"),
        ("!If [Perhaps, 1, 2]", "whether Perhaps holds"),
        ("!If [Odd, 1, 2]", "whether Odd holds"),
        ("!If [Nowhere, 1, 2]", "whether Nowhere holds"),
        ("!FindInMap [Sizes, !Ref Open, type]", "Open"),
        ("!FindInMap [Sizes, prod, type]", "not in the mapping"),
        ("!Select [2, !Ref List]", "which one"),
        ("!Select [!Ref Open, [a]]", "which one"),
        ("!Split [',', !Ref Open]", "Open"),
        ("!Sub '${Open}'", "Open"),
        ("!Join ['', [a, !Ref Open]]", "Open"),
        ("!ImportValue x", "Fn::ImportValue"),
        ("!GetAtt Web.Name", "after it is made"),
    ],
)
def test_what_is_not(text: str, why: str) -> None:
    found = value(text)
    assert found.data is None
    assert why in found.unknown
    assert found.at.line == WHOLE.count("\n") + 1


@pytest.mark.parametrize(
    "text", ["!Ref Web", "!GetAtt Web.Name", "!GetAtt [Web, Name]", "!Sub 'x/${Web.Name}'"]
)
def test_resources_stay_known_by_name(text: str) -> None:
    assert value(text).refers == ("Web",)


def test_what_is_partly_known_can_be_shown() -> None:
    assert shown(value("!Sub 'a ${Open} ${Env}'")) == "a ${Open} dev"


def test_a_template_too_deep_is_unknown() -> None:
    deep = Value("x")
    for _ in range(100):
        deep = Value((deep,))
    found = Template(Value({})).value(deep)
    while isinstance(found.data, tuple):
        (found,) = found.data
    assert "too deep" in found.unknown
