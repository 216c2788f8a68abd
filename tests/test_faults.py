"""The suite notices bugs: each of a list is planted in a copy of the package, and a test has to fail."""

import contextlib
import io
import os
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import pytest
from faults import FAULTS, Fault

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "seq2seq"
AT_ONCE = 2
FAILED_TESTS = 1  # pytest's exit code; 2 and above: it could not run them
SLOW_TO_LOAD = ["torch", "numpy", "pydantic", "sacrebleu", "safetensors.torch", "beartype", "pytest"]


class Verdict(NamedTuple):
    """What pytest says of some tests."""

    code: int
    report: str

    @property
    def failed(self):
        """How many tests failed; those that could not even begin are not among them."""
        found = re.findall(r"^(\d+) failed", self.report, re.MULTILINE)
        return int(found[-1]) if found else 0


class NoSmallerExamples:
    """A plugin of pytest: what falsifies a property is enough, its simplest form need not be looked for."""

    def pytest_configure(self):
        from hypothesis import Phase, settings

        settings.register_profile("faults", phases=[Phase.explicit, Phase.generate], database=None)
        settings.load_profile("faults")


@pytest.fixture(scope="session")
def beginners():
    """Processes that have loaded what is slow to load, and nothing of the package: each runs one task and ends."""
    context = get_context("forkserver")
    context.set_forkserver_preload(SLOW_TO_LOAD)
    pool = ProcessPoolExecutor(AT_ONCE, mp_context=context, max_tasks_per_child=1)
    yield pool
    pool.shutdown(cancel_futures=True)


def verdict(folder, tests, fault=None):
    """What `tests` say of a copy of the package in `folder`, with or without a fault."""
    assert "seq2seq" not in sys.modules
    package = Path(shutil.copytree(PACKAGE, Path(folder) / "seq2seq"))
    if fault is not None:
        fault.plant(package)
    sys.path[:] = [str(package.parent), *(place for place in sys.path if Path(place) != PACKAGE.parent)]
    os.chdir(package.parent)
    os.environ["OMP_NUM_THREADS"] = "1"
    where = ["-c", str(TESTS.parent / "pyproject.toml"), "--rootdir", str(TESTS.parent)]
    with contextlib.redirect_stdout(io.StringIO()) as report, contextlib.redirect_stderr(report):
        plain = ["--color=no", "--tb=short", "-x", "-p", "no:cacheprovider"]
        code = pytest.main([*where, *plain, *(str(TESTS / test) for test in tests)], [NoSmallerExamples()])
    assert Path(sys.modules["seq2seq"].__file__).parent == package
    shutil.rmtree(package)
    return Verdict(int(code), report.getvalue())


@pytest.fixture(scope="session")
def verdicts(request, beginners, tmp_path_factory):
    """The verdict on each fault that was asked for, a few of them worked out at a time."""
    faults = {item.callspec.params["fault"] for item in request.session.items if "verdicts" in item.fixturenames}
    return {
        fault: beginners.submit(verdict, tmp_path_factory.mktemp("planted"), [fault.test], fault)
        for fault in FAULTS
        if fault in faults
    }


@pytest.mark.faults
@pytest.mark.timeout(900)  # a busy machine is no reason to say that a fault survived
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_noticed(verdicts, fault):
    found = verdicts[fault].result()
    assert found.code == FAILED_TESTS, f"exit {found.code}, and {fault.test} should have failed:\n{found.report}"
    assert found.failed, found.report


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_the_copy_itself_has_no_fault(beginners, tmp_path):
    """What notices the faults is silent without them, in the same place."""
    found = beginners.submit(verdict, tmp_path, sorted({fault.test for fault in FAULTS})).result()
    assert found.code == 0, found.report


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_place_of_a_fault_is_still_there(fault, tmp_path):
    """Quick, so that whoever changes the place is told at once."""
    copy = tmp_path / fault.file
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PACKAGE / fault.file, copy)
    fault.plant(tmp_path)
    compile(copy.read_text(encoding="utf-8"), fault.file, "exec")


def test_a_place_that_is_gone_is_an_error(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n", encoding="utf-8")
    for old in ("y", "x"):
        with pytest.raises(LookupError, match="times, not once"):
            Fault("a fault", "a.py", old, "z", "test_a.py").plant(tmp_path)


def test_names_of_faults_are_distinct():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
