"""`make setup`: what is missing on a machine is said in one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the script and a lock file that asks for nothing."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "requirements").mkdir()
    shutil.copy(PROJECT / "bin" / "setup", tmp_path / "bin")
    (tmp_path / "requirements" / "dev.txt").write_text("")
    return tmp_path


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def setup(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", "bin/setup"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused_with(result: "subprocess.CompletedProcess[str]") -> str:
    """Return the one line that it was refused with."""
    assert result.returncode != 0
    [line] = result.stderr.splitlines()
    return line


def test_a_python_that_is_too_old_is_named_in_one_line(copy: Path) -> None:
    old = script(copy / "old-python", 'case "$*" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac')
    line = refused_with(setup(copy, PYTHON=str(old)))
    assert "Python 3.11 or later is needed" in line
    assert "Python 3.9.2" in line


def test_a_python_that_does_not_exist_is_named_in_one_line(copy: Path) -> None:
    assert "is missing" in refused_with(setup(copy, PYTHON=str(copy / "no-such-python")))


def test_a_missing_venv_module_is_named_with_the_package_that_brings_it(copy: Path) -> None:
    text = f'case "$*" in *ensurepip*) exit 1 ;; esac; exec {sys.executable} "$@"'
    bare = script(copy / "bare-python", text)
    assert "apt install python3-venv" in refused_with(setup(copy, PYTHON=str(bare)))


def test_a_missing_openssl_is_named_in_one_line(copy: Path) -> None:
    (copy / "empty").mkdir()
    result = setup(copy, PYTHON=sys.executable, PATH=str(copy / "empty"))
    assert "openssl is missing" in refused_with(result)


@pytest.mark.needs("openssl")
def test_it_makes_a_venv_and_leaves_a_mark(copy: Path) -> None:
    assert setup(copy, PYTHON=sys.executable).returncode == 0
    assert (copy / ".venv" / ".installed").exists()
    assert (copy / ".venv" / "bin" / "python").exists()


@pytest.mark.needs("make")
def test_a_second_make_setup_does_nothing(copy: Path) -> None:
    shutil.copy(PROJECT / "Makefile", copy)
    script(copy / "bin" / "setup", "mkdir -p .venv; echo installing; touch .venv/.installed")
    first, second = (subprocess.check_output(["make", "setup"], cwd=copy, text=True, timeout=30) for _ in range(2))
    assert "installing" in first
    assert second == ""
