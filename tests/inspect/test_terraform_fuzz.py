"""Whatever is in the files, the reader ends, soon, and never fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairlead.core.setup import Setup
from fairlead.inspect.hcl.bodies import parse, parse_template
from fairlead.inspect.read import read
from tests.inspect.terraform_ground import setup_of
from tests.inspect.terraform_texts import SHOP, SHOP_MODULE

PARTS = """resource data module variable output locals "aws_ecs_service" "aws_ecs_task_definition"
 "web" { } [ ] ( ) = == => , . ... ? : && || ! - + * / % < > "${ ${ %{ } ~} <<EOF <<-EOT EOF EOT
 for in if else endif endfor each.key count.index var.x local.x path.module aws_ecs_cluster.main.id
 container_definitions jsonencode templatefile merge lookup concat range(1,9) 8080 0 -1 true null
 "a" "${var.a}" # // /* */ \\ for_each count dynamic content lifecycle ignore_changes"""
WORDS = [*PARTS.split(), "\n"]


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    parse("main.tf", text)
    parse_template("t.tpl", text)


@given(st.lists(st.sampled_from(WORDS), max_size=60))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_words_are_parsed(words: list[str]) -> None:
    parse("main.tf", " ".join(words))


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.integers(0, len(SHOP)))
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_words_anywhere_in_a_file_do_no_harm(
    tmp_path: Path, words: list[str], position: int
) -> None:
    text = f"{SHOP[:position]} {' '.join(words)} {SHOP[position:]}"
    assert isinstance(setup_of(tmp_path, main_tf=text), Setup)


@pytest.mark.parametrize("start", range(8))
def test_a_file_cut_off_anywhere_is_read(tmp_path: Path, start: int) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "main.tf").write_text(SHOP_MODULE)
    for end in range(start, len(SHOP), 8):
        (tmp_path / "main.tf").write_text(SHOP[:end])
        assert isinstance(read([tmp_path]), Setup)


@pytest.mark.parametrize("start", range(4))
def test_a_module_cut_off_anywhere_is_read(tmp_path: Path, start: int) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "main.tf").write_text(SHOP)
    for end in range(start, len(SHOP_MODULE), 4):
        (tmp_path / "service" / "main.tf").write_text(SHOP_MODULE[:end])
        assert isinstance(read([tmp_path]), Setup)


HOSTILE = {
    "huge count": 'resource "aws_instance" "a" {\n count = 1000000000\n}',
    "huge range": "locals {\n x = [for n in range(1000000000) : range(n)]\n}\n"
    'resource "aws_instance" "a" {\n count = length(local.x)\n}',
    "products": "locals {\n a = range(900)\n x = setproduct(local.a, local.a, local.a)\n}\n"
    'resource "aws_instance" "a" {\n for_each = local.x\n}',
    "growing text": "locals {\n a0 = 'x'\n"
    + "".join(f'a{n + 1} = "${{local.a{n}}}${{local.a{n}}}"\n' for n in range(60))
    + '}\nresource "aws_instance" "a" {\n user_data = local.a60\n}',
    "growing list": 'locals {\n a0 = ["x"]\n'
    + "".join(f"a{n + 1} = concat(local.a{n}, local.a{n})\n" for n in range(60))
    + '}\nresource "aws_instance" "a" {\n count = length(local.a60)\n}',
    "growing tree": 'locals {\n a0 = ["x"]\n'
    + "".join(f"a{n + 1} = [local.a{n}, local.a{n}]\n" for n in range(60))
    + '}\nresource "aws_instance" "a" {\n user_data = jsonencode(local.a60)\n}',
    "nested loops": "locals {\n r = range(2000)\n"
    " x = [for a in local.r : [for b in local.r : [for c in local.r : a + b + c]]]\n}\n"
    'resource "aws_instance" "a" {\n count = length(local.x)\n}',
    "cycle": "locals {\n a = local.b\n b = local.a\n}\n"
    'resource "aws_instance" "a" {\n count = local.a\n}',
    "itself": 'resource "aws_instance" "a" {\n count = length(aws_instance.a)\n}',
    "module of itself": 'module "a" {\n source = "./"\n}\nmodule "b" {\n source = "../"\n}',
    "deep brackets": "locals {\n x = " + "[" * 100_000 + "\n}",
    "deep operators": "locals {\n x = " + "-" * 100_000 + "1\n}",
    "deep templates": "locals {\n x = " + '"${' * 50_000 + "\n}",
    "deep blocks": 'resource "aws_instance" "a" {\n' + "b {\n" * 50_000,
    "long sum": "locals {\n x = " + "1 + " * 50_000 + "1\n}\n"
    'resource "aws_instance" "a" {\n count = local.x\n}',
    "long path": "locals {\n x = a" + ".b" * 50_000 + "\n}\n"
    'resource "aws_instance" "a" {\n count = local.x\n}',
    "backtracking": 'resource "aws_instance" "a" {\n user_data = replace("'
    + "a" * 5_000
    + '", "/(a+)+$/", "b")\n}',
    "open comment": "/* " * 50_000,
    "open quotes": '"' * 50_001,
    "open heredocs": "a = <<EOF\n" * 5_000,
    "powers": "locals {\n x = " + "9999999999 * " * 30 + "9\n y = 1e308 * 1e308\n}\n"
    'resource "aws_instance" "a" {\n count = local.x\n}',
    "wide format": 'resource "aws_instance" "a" {\n user_data = format("%999999999d", 1)\n}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_soon(tmp_path: Path, name: str) -> None:
    started = time.process_time()
    assert isinstance(setup_of(tmp_path, main_tf=HOSTILE[name]), Setup)
    assert time.process_time() - started < 20
