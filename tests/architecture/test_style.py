"""Files and functions stay small, and names say what things are."""

import ast
from pathlib import Path

import pytest

import seq2seq

ROOT = Path(seq2seq.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
TEXTS = {path: path.read_text(encoding="utf-8") for path in SOURCES}
TREES = {path: ast.parse(text) for path, text in TEXTS.items()}
NOWHERE_IN_PARTICULAR = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "core", "base"}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def functions():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION):
                yield path, node


def code_lines(node, lines):
    """The lines of a function that hold code: no docstring, no comment, nothing blank."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = range(first.lineno, first.end_lineno + 1) if documented else ()
    span = range(node.lineno, node.end_lineno + 1)
    return sum(
        bool(text := lines[number - 1].strip()) and not text.startswith("#") and number not in docstring
        for number in span
    )


def test_no_file_is_longer_than_350_lines():
    lengths = {str(path.relative_to(ROOT)): len(text.splitlines()) for path, text in TEXTS.items()}
    assert not {file: length for file, length in lengths.items() if length > 350}


def function_lengths():
    for path, node in functions():
        yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", code_lines(node, TEXTS[path].splitlines())


def test_no_function_has_more_than_45_lines_of_code():
    assert not {where: length for where, length in function_lengths() if length > 45}


def test_nine_functions_of_ten_have_at_most_25_lines_of_code():
    lengths = sorted(length for _, length in function_lengths())
    assert lengths[len(lengths) * 9 // 10] <= 25
    assert lengths[len(lengths) // 2] <= 8 + 2  # the head of the function and its decorator


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is(path):
    assert path.stem not in NOWHERE_IN_PARTICULAR
    assert ast.get_docstring(TREES[path])


def test_public_names_are_annotated():
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in functions()
        if not node.name.startswith("_") and (node.returns is None or any(a.annotation is None for a in plain(node)))
    ]
    assert not bare


def plain(node):
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument for argument in given if argument.arg not in {"self", "cls"}]


def test_no_public_function_takes_keywords_it_does_not_name():
    """The classes of click, which the command line extends, do."""
    taking = [(path.relative_to(ROOT), node) for path, node in functions() if node.args.kwarg is not None]
    public = [(path, node.lineno) for path, node in taking if not node.name.startswith("_") or "__" in node.name]
    assert not [(str(path), line) for path, line in public if path.parts[0] != "cli"]


def test_nothing_prints_below_the_command_line():
    for path, tree in TREES.items():
        if path.relative_to(ROOT).parts[0] != "cli":
            calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
            assert not calls, path


def test_source_and_target_are_called_that_everywhere():
    names = {
        (path.relative_to(ROOT), node.id if isinstance(node, ast.Name) else node.arg)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.arg)
    }
    short = {"src", "trg", "tgt", "cfg", "hyp", "hyps", "ckpt", "vocab", "enc", "dec", "emb", "attn"}
    assert not {(str(path), word) for path, name in names for word in name.lower().split("_") if word in short}
