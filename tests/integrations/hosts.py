"""The source of a host that is installed, read and not run: most of them need CUDA to import."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest


def tree_of(file):
    """The syntax tree of a host's file; skips the test where the host is not installed."""
    package, _, rest = file.partition("/")
    spec = find_spec(package)
    if spec is None:
        pytest.skip(f"{package} is not installed here: run `just hosts`")
    return ast.parse((Path(spec.submodule_search_locations[0]) / rest).read_text())


def function_in(tree, name):
    """The function of this name, or of this Class.name."""
    owner, _, name = name.rpartition(".")
    if owner:
        classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        tree = next(node for node in classes if node.name == owner)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return next(
        node for node in ast.walk(tree) if isinstance(node, functions) and node.name == name
    )


def parameters(function):
    """The names of a function's parameters, without self."""
    given = [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]
    return [name for name in given if name != "self"]


def texts(tree):
    """Every string constant."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def keywords(tree):
    """Every keyword that is passed in a call."""
    return [word for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords]
