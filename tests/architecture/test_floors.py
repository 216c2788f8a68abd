"""The house keeps its shape: who imports whom, and what is loaded when."""

import ast
import importlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import seq2seq

ROOT = Path(seq2seq.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
ALL_ALONE = {"PYTHONPATH": str(ROOT.parent), "PATH": os.environ["PATH"]}


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **ALL_ALONE}
    )


def imported(path):
    """The modules that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_at_once(path):
    """The modules that must be there before a file's own first line of work: none for types, none in functions."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module, package):
    return module == package or module.startswith(f"{package}.")


def test_arrows_point_downwards():
    script = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(cache_dir=None))"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_no_module_imports_itself_by_way_of_others():
    files = {name(path): path for path in SOURCES}
    needs = {
        module: {target if target in files else target.rpartition(".")[0] for target in imported_at_once(path)}
        for module, path in files.items()
    }
    settled = set()
    while ready := {m for m in files if m not in settled and needs[m] & files.keys() <= settled}:
        settled |= ready
    in_a_circle_or_above_one = {m: needs[m] & files.keys() - settled for m in files.keys() - settled}
    assert not in_a_circle_or_above_one


def name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_module_can_be_imported_first():
    """No module counts on another having been imported before it."""
    names = [name(path) for path in SOURCES if path.name != "__main__.py"]
    script = f"""
import importlib, sys
for name in {names!r}:
    for loaded in [m for m in sys.modules if m.startswith("seq2seq")]:
        del sys.modules[loaded]
    importlib.import_module(name)
"""
    found = python("-c", script)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("click", {"cli"}),
        ("yaml", {"workflows", "cli", "loading.py"}),
        ("sentencepiece", {"data"}),
        ("datasets", {"data"}),
        ("sacrebleu", {"evaluation", "workflows"}),
    ],
)
def test_a_package_is_known_on_its_floor_alone(package, allowed):
    users = {p.relative_to(ROOT).parts[0] for p in SOURCES if any(within(m, package) for m in imported(p))}
    assert users <= allowed


def test_models_and_search_read_no_files():
    for floor in ("layers", "models", "search"):
        for path in (ROOT / floor).rglob("*.py"):
            loaded = [m for m in imported(path) if within(m, "pathlib") or within(m, "seq2seq.files")]
            assert not loaded, path


def test_nothing_that_can_run_code_is_read():
    for path in SOURCES:
        assert not [m for m in imported(path) if m.split(".")[0] in {"pickle", "marshal", "shelve"}], path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"torch.load", "torch.save", "eval", "exec", "yaml.unsafe_load"}, path
                if called == "yaml.load":
                    assert "Safe" in path.read_text(encoding="utf-8"), path


def test_help_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from seq2seq.cli.main import main\n"
        "sys.argv = ['seq2seq', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'yaml', 'datasets', 'sacrebleu', 'sentencepiece'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    found = python("-c", script)
    assert found.returncode == 0, found.stderr
    assert "train" in found.stdout
    assert "translate" in found.stdout


def test_help_is_instant():
    """Seconds at work, the best of five: others may be at work beside it."""

    def at_work():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert python("-m", "seq2seq", "--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(at_work() for _ in range(5)) < 0.2


def test_the_package_itself_loads_nothing_heavy():
    script = "import sys, seq2seq; assert seq2seq.__version__; assert 'torch' not in sys.modules"
    assert python("-c", script).returncode == 0


def test_what_the_package_promises_is_there():
    for promised in seq2seq.__all__:
        assert getattr(importlib.import_module("seq2seq"), promised)
