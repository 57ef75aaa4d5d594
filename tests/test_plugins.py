"""Names become verifiers, and reward functions are called as their trainers would call them."""

import asyncio
import json
import pickle
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import unflip.plugins.names
from unflip.data import read
from unflip.errors import NoVerdict, PluginError, UsageError
from unflip.plugins import available, load
from unflip.plugins.contracts import convention_of, signature_of
from unflip.plugins.names import BUILT_IN
from unflip.plugins.options import parse_options
from unflip.run import processes, verify_all
from unflip.types import Reason, Sample, Trust, Verdict, identity

REWARDS = Path("fixtures/rewards").resolve()
CASES = [json.loads(line) for line in Path("fixtures/reward_cases.jsonl").read_text().splitlines()]
RIGHT = Sample("so 4", "4", prompt="2 + 2?")


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Writes Python files into an empty working directory, and forgets it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


# Reward functions


@pytest.mark.parametrize("case", [c for c in CASES if "outcome" in c], ids=lambda c: c["name"])
def test_a_reward_becomes_the_verdict_that_it_means(case):
    """Every convention is told by its parameters, called as its host does, and read back."""
    verdict = load(case["spec"], accept_at=case.get("accept_at"))(Sample.from_json(case["sample"]))
    assert (verdict.outcome, verdict.reason) == (case["outcome"], case["reason"])
    assert verdict.score == pytest.approx(case.get("score"))
    assert verdict.trust is Trust.FOREIGN
    assert verdict.evidence["convention"] == case.get("convention", verdict.evidence["convention"])


@pytest.mark.parametrize("case", [c for c in CASES if "raises" in c], ids=lambda c: c["name"])
def test_what_is_no_reward_is_the_programmers_error(case):
    """It says which function, what it did, and what was expected."""
    verifier = load(case["spec"])
    with pytest.raises(NoVerdict) as raised:
        verifier(Sample.from_json(case["sample"]))
    assert case["raises"] in str(raised.value)


def test_what_a_reward_function_raises_is_left_to_the_runner():
    """A bug in a reward function is an abstain of the run, with the exception as evidence."""
    verifier = load("fixtures/rewards/plain.py:raising")
    with pytest.raises(ZeroDivisionError):
        verifier(Sample("", "4"))
    verdict = next(verify_all(verifier, [Sample("", "4")]))
    assert verdict.reason is Reason.ERROR
    assert "ZeroDivisionError" in verdict.evidence["error"]


def test_a_buggy_reward_is_found_out_on_labelled_rows():
    """The popular last-number reward accepts wrong answers, and rejects correct ones."""
    verifier = load("fixtures/rewards/plain.py:last_number")
    samples = list(read("fixtures/rewards/rollouts.jsonl"))
    accepted = [verifier(sample).accepted for sample in samples]
    told = [(sample.correct, said) for sample, said in zip(samples, accepted, strict=True)]
    assert told.count((False, True)) == 4
    assert told.count((True, False)) == 5


def test_an_async_reward_runs_where_a_loop_runs_already():
    """As in a notebook, where `asyncio.run` is refused."""
    verifier = load("fixtures/rewards/trl_style.py:async_reward")

    async def cell():
        return verifier(RIGHT)

    assert asyncio.run(cell()).accepted


@pytest.mark.parametrize(
    ("parameters", "convention"),
    [
        ("prompts, completions, **kwargs", "trl"),
        ("completions, ground_truth, **kwargs", "trl"),
        ("data_source, solution_str, ground_truth, extra_info=None", "verl"),
        ("solution_str, ground_truth", "verl"),
        ("queries, prompts, labels", "openrlhf"),
        ("a, b", "plain"),
        ("a", "plain"),
        ("a, b, /", "plain"),
        ("answer, ground_truth", "plain"),
        ("solution_str, reference", "plain"),
        ("question, response, reference", "plain"),
        ("question, answer, gold", "plain"),
        ("pred, gold, timeout=3", "plain"),
        ("x, answer", "plain"),
        ("answer, x", "plain"),
    ],
)
def test_a_convention_is_told_by_the_names_of_the_parameters(parameters, convention):
    """Framework names first, then two that mean a completion and a reference, or nothing."""
    assert convention_of(signature_of(eval(f"lambda {parameters}: 0"))) == convention


@pytest.mark.parametrize(
    "parameters",
    ["", "*args", "**kwargs", "a, b, c", "completions, queries", "gold, target", "reference, text2",
     "prompt", "reference", "solution, answer", "question, x", "text, output", "x, completion"],
)  # fmt: skip
def test_names_that_leave_it_open_are_asked_about(parameters):
    """Guessing wrong would swap the two sides of a comparison, so `kind=` has to say it."""
    with pytest.raises(UsageError, match=r"leave open how it is called; say kind="):
        convention_of(signature_of(eval(f"lambda {parameters}: 0")))


def test_a_signature_that_cannot_be_read_is_an_error():
    """Some functions in C have none."""
    with pytest.raises(UsageError, match=r"builtins\.max: Python cannot read its parameters"):
        load("builtins:max")


def test_kind_settles_what_the_names_leave_open():
    """As an argument, or among the options in the name."""
    with pytest.raises(UsageError, match=r"plain\.undecided: its parameters \(question, target\)"):
        load("fixtures/rewards/plain.py:undecided")
    assert load("fixtures/rewards/plain.py:undecided", kind="plain")(Sample("4", "4")).accepted
    with pytest.raises(UsageError, match="kind='trll' is none of trl, trl-chat, verl"):
        load("fixtures/rewards/plain.py:undecided", kind="trll")


def test_a_threshold_that_is_no_number_is_refused():
    """`accept_at` may stand in the name, and is checked there."""
    with pytest.raises(UsageError, match="accept_at='high' is no number to compare"):
        load("fixtures/rewards/plain.py:overlap(accept_at='high')")


# Identity and processes


def test_a_threshold_is_one_number_however_it_is_written():
    """As an argument or in the name, 1 or 1.0."""
    spec = "fixtures/rewards/plain.py:overlap"
    same = [load(spec, accept_at=1), load(spec, accept_at=1.0), load(f"{spec}(accept_at=1)")]
    assert len({identity(verifier) for verifier in same}) == 1


def test_identity_follows_source_options_threshold_and_kind(code):
    """Whatever could change a verdict changes who gave it; nothing else does."""
    folder = code(
        rewards="from near import f\ndef g(a, b): return a == b\n", near="def f(a, b): return 1\n"
    )
    path = folder / "rewards.py"
    spec = f"{path}:g"
    seen = [
        identity(load(spec)),
        identity(load(spec, accept_at=0.5)),
        identity(load(spec, kind="trl")),
    ]
    assert identity(load(spec)) == seen[0]
    path.write_text(path.read_text() + "# edited\n")
    seen.append(identity(load(spec)))
    code(near="def f(a, b): return 0\n")
    del sys.modules["near"]
    seen.append(identity(load(spec)))
    code(stranger="x = 1\n")
    assert identity(load(spec)) == seen[-1]
    assert len(set(seen)) == len(seen) == 5
    assert all(by.startswith("rewards.g@0+") for by in seen)


def test_an_edited_file_is_loaded_anew(code):
    """In one process, as in a notebook: the new source is what runs."""
    folder = code(rewards="def f(a, b): return True\n")
    before = load("rewards.py:f")
    code(rewards="def f(a, b): return False\n")
    after = load(str(folder / "rewards.py:f"))
    assert [v(RIGHT).accepted for v in (before, after)] == [True, False]


def test_a_file_that_changes_under_a_run_is_an_error(code):
    """A process that starts late must not mix new code with the old identity."""
    code(rewards="def f(a, b): return True\n")
    frozen = pickle.dumps(load("rewards.py:f"))
    for name in [name for name in sys.modules if name.startswith("unflip_plugin_")]:
        del sys.modules[name]
    code(rewards="def f(a, b): return False\n")
    with pytest.raises(PluginError, match="was changed while it was in use"):
        pickle.loads(frozen)(RIGHT)


SPECS = ["plain.py:last_number", "trl_style.py:ColumnReward(column='x', wanted=1)", "own.py:same",
         "own.py:Same(case='fold')", "own.py:always", "own.py:late",
         "verl_style.py:from_service"]  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
def test_a_file_pickles_and_loads_by_itself_elsewhere(spec, tmp_path):
    """Another process, started in another folder, gets the same verifier from the pickle."""
    verifier = load(str(REWARDS / spec))
    sample = Sample(" 4", "4", meta={"x": 1})
    verdict = verifier(sample)
    code = (
        "import pickle, sys; verifier, sample = pickle.load(sys.stdin.buffer); "
        "sys.stdout.buffer.write(pickle.dumps((verifier.by, verifier(sample).to_json())))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps((verifier, sample)),
                          capture_output=True, cwd=tmp_path, check=True)  # fmt: skip
    assert pickle.loads(done.stdout) == (verifier.by, verdict.to_json())


def test_reward_functions_run_in_worker_processes():
    """The runner's processes give the verdicts that this one gives."""
    verifier = load("fixtures/rewards/plain.py:last_number")
    samples = list(read("fixtures/rewards/rollouts.jsonl"))
    verdicts = list(verify_all(verifier, samples, workers=processes(2)))
    assert verdicts == [verifier(sample) for sample in samples]
    assert {verdict.by for verdict in verdicts} == {verifier.by}


# Verifiers of the user's own


@pytest.mark.parametrize(
    ("spec", "completion", "outcome"),
    [("Same", " 4", "accept"), ("Same", "5", "reject"), ("same", "4 ", "accept"),
     ("Same(case='fold')", "4", "accept"), ("always", "", "accept"), ("typed", "x", "accept"),
     ("typed(least=3)", "x", "reject"), ("late", "4", "reject")],
)  # fmt: skip
def test_a_verifier_of_the_users_own_is_called_as_it_is(spec, completion, outcome):
    """A `Rule`, an instance of one, or a function told by `sample` or by its annotations."""
    assert load(f"fixtures/rewards/own.py:{spec}")(Sample(completion, "4")).outcome == outcome


def test_options_that_are_enums_are_typed_as_text():
    """A member is named by its value, and a wrong one is answered with the right ones."""
    assert load("fixtures/rewards/own.py:Same(case='fold')")(Sample("A", "a")).accepted
    assert not load("fixtures/rewards/own.py:Same(case='keep')")(Sample("A", "a")).accepted
    with pytest.raises(UsageError, match="case='loose' is no choice; choose from: keep, fold"):
        load("fixtures/rewards/own.py:Same(case='loose')")


def test_a_list_becomes_the_tuple_that_a_rule_declares():
    """A rule has to be hashable, and brackets are what people type."""
    verifier = load("format(tags=['think', 'answer'])")
    assert verifier == load("format(tags=('think', 'answer'))")
    assert hash(verifier) == hash(load("format(tags=('think', 'answer'))"))


def test_a_class_with_unresolved_annotations_is_made_all_the_same(code):
    """What is only imported for a type checker is not missed."""
    code(
        rewards="class F:\n    x: 'Nowhere'\n    def __init__(self, x=None): self.x = x\n"
        "    def __call__(self, completion, reference): return self.x == [1, 2]\n"
    )
    assert load("rewards.py:F(x=[1, 2])")(RIGHT).accepted


def test_what_else_a_verifier_offers_is_passed_on():
    """The self-check asks a `Rule` how it presents a reference; a function has no say."""
    assert load("fixtures/rewards/own.py:Same").present("4") == " 4"
    assert getattr(load("fixtures/rewards/own.py:always"), "present", None) is None
    assert getattr(load("fixtures/rewards/plain.py:contains"), "present", None) is None


@pytest.mark.parametrize("given", [{"accept_at": 0.5}, {"kind": "plain"}])
@pytest.mark.parametrize("name", ["exact", "fixtures/rewards/own.py:same"])
def test_what_is_for_rewards_is_refused_by_verifiers(name, given):
    """A threshold that nothing looks at would be a lie."""
    with pytest.raises(
        UsageError, match="is a verifier; kind and accept_at are for reward functions"
    ):
        load(name, **given)


# Names


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_name_is_a_verifier(name):
    """It loads, pickles, has an identity, and decides something about any sample."""
    verifier = load({"format": "format(boxes=1)"}.get(name, name))
    verdict = pickle.loads(pickle.dumps(verifier))(RIGHT)
    assert isinstance(verdict, Verdict)
    assert verdict.by == identity(verifier)


def test_what_is_available_is_listed_with_what_it_does(monkeypatch):
    """Built-in names with their summaries, entry points with their places."""
    theirs = EntryPoint("mine", "someone.package:Rule", "unflip.verifiers")
    monkeypatch.setattr(unflip.plugins.names, "entry_points", lambda group: [theirs])
    plugins = {plugin.name: plugin for plugin in available()}
    assert set(BUILT_IN) | {"mine"} == set(plugins)
    assert list(plugins) == sorted(plugins)
    assert all(plugin.summary for plugin in plugins.values())
    assert (plugins["mine"].kind, plugins["mine"].summary) == (
        "entry point",
        "someone.package:Rule",
    )


def test_a_missing_extra_is_listed(monkeypatch):
    """`unflip list` says which extra a verifier would use."""
    monkeypatch.setattr(unflip.plugins.names, "find_spec", lambda module: object())
    assert {plugin.missing for plugin in available()} == {None}
    monkeypatch.setattr(unflip.plugins.names, "find_spec", lambda module: None)
    missing = {plugin.name: plugin.missing for plugin in available()}
    assert (missing["math"], missing["numeric"], missing["exact"]) == ("math", "units", None)
    assert missing["sql"] == "duckdb"


def test_an_entry_point_is_a_name(code, monkeypatch):
    """What an installed package offers is loaded by its name, options and all."""
    code(someone="def f(completion, reference, strict=True): return strict\n")
    theirs = EntryPoint("mine", "someone:f", "unflip.verifiers")
    monkeypatch.setattr(unflip.plugins.names, "entry_points", lambda group: [theirs])
    assert load("mine")(RIGHT).accepted
    assert not load("mine(strict=False)")(RIGHT).accepted


def test_an_entry_point_cannot_take_a_built_in_name(monkeypatch):
    """An installed package does not change what `exact` means."""
    theirs = EntryPoint("exact", "someone:f", "unflip.verifiers")
    monkeypatch.setattr(unflip.plugins.names, "entry_points", lambda group: [theirs])
    assert load("exact").name == "exact"
    assert [plugin.kind for plugin in available() if plugin.name == "exact"] == ["built-in"]


def test_a_module_in_the_working_directory_is_found(code):
    """As with pytest and uvicorn; packages and classes inside as well."""
    code(
        package____init__="",
        package__rewards="class A:\n    @staticmethod\n    def f(a, b): return 1\n",
    )
    assert load("package.rewards:A.f")(RIGHT).accepted
    assert identity(load("package.rewards:A.f")).startswith("package.rewards.A.f@0+")


def test_a_function_of_an_installed_package_can_be_named():
    """Its version stands for its source."""
    assert load("operator:contains")(RIGHT).accepted


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("exakt", "no verifier is called 'exakt'; did you mean exact? there are choice, code"),
        ("nothing", "module:attr or path/to/file.py:attr"),
        ("", "'' is no name of a verifier"),
        ("two words", "is no name of a verifier"),
        ("fixtures/rewards/plain.py", "Say fixtures/rewards/plain.py:NAME"),
        ("fixtures/rewards/nowhere.py:f", "there is no file fixtures/rewards/nowhere.py"),
        ("fixtures/rewards/plain.py:last_numbr", "did you mean last_number?"),
        ("fixtures/rewards/helpers.py:zzz", "has no 'zzz'; it has normal"),
        ("fixtures/rewards/own.py:constant", "own.constant is a int, and cannot be called"),
        ("no_such_module:f", "no_such_module cannot be imported: ModuleNotFoundError"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_exists(spec, message):
    """A typing error costs one glance."""
    with pytest.raises(PluginError) as raised:
        load(spec)
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["import nowhere_at_all", "def f(:"])
def test_a_file_that_cannot_be_imported_says_why(code, text):
    """A missing package or a syntax error is named, with the file."""
    code(rewards=text)
    before = set(sys.modules)
    with pytest.raises(PluginError, match=r"rewards\.py cannot be imported: (Module|Syntax)"):
        load("rewards.py:f")
    assert set(sys.modules) == before


def test_a_file_of_a_package_is_told_how_to_be_named(code):
    """A file by itself has no package to import from."""
    code(package____init__="", package__near="x = 1\n", package__rewards="from .near import x\n")
    with pytest.raises(PluginError, match=r"relative import.*; name it package\.module:attr"):
        load("package/rewards.py:f")


# Options


@pytest.mark.parametrize(
    ("text", "options"),
    [("", {}), ("a=1", {"a": 1}), ("a=-1.5e-3, b='x:y(z)'", {"a": -0.0015, "b": "x:y(z)"}),
     ("a=(1, 2), b={'c': [True, None]}", {"a": (1, 2), "b": {"c": [True, None]}})],
)  # fmt: skip
def test_options_are_literals(text, options):
    """Numbers, text, truth values, None, and what holds them."""
    assert parse_options(text) == options


@pytest.mark.parametrize(
    "text",
    ["1", "a", "a=b", "a=__import__('os')", "a=1)(b=2", "a=1) + f(b=2", "**{'a': 1}", "*[1]", "a=",
     "a=1, a=2", "a=[x for x in (1,)]", "a=f'{1}'"],
)  # fmt: skip
def test_nothing_else_is_an_option_and_nothing_is_evaluated(text):
    """Code in a name is refused, not run."""
    with pytest.raises(UsageError, match="are no options"):
        parse_options(text)


@pytest.mark.parametrize(
    "name", ["exact", "fixtures/rewards/own.py:Same", "fixtures/rewards/plain.py:rounded"]
)
def test_an_unknown_option_is_answered_with_the_known_ones(name):
    """For rules, classes and functions alike."""
    with pytest.raises(UsageError, match=r"has no option 'zzz'; its options are: \w+"):
        load(f"{name}(zzz=1)")


def test_a_misspelt_option_is_recognised():
    """The nearest one is offered."""
    with pytest.raises(UsageError, match=r"no option 'digit' \(did you mean digits\?\)"):
        load("fixtures/rewards/plain.py:rounded(digit=1)")


def test_a_path_may_hold_brackets_and_colons(code):
    """Only what stands behind the last name is read as options."""
    folder = code(**{"a (1)__re:wards": "def f(a, b, x='y'): return x == 'k:m(n)'\n"})
    assert not load(f"{folder}/a (1)/re:wards.py:f")(RIGHT).accepted
    assert load(f"{folder}/a (1)/re:wards.py:f(x='k:m(n)')")(RIGHT).accepted


# Neighbours


def test_a_file_finds_its_neighbours_and_hides_nothing(code):
    """Its folder comes first while it is imported, and last afterwards."""
    folder = code(
        sub__rewards="from neighbour import f\n", sub__neighbour="def f(a, b): return 1\n"
    )
    before = list(sys.path)
    assert load("sub/rewards.py:f")(RIGHT).accepted
    assert sys.path == [*before, str(folder / "sub")]


def test_two_folders_with_a_module_of_one_name_are_never_mixed_up(code):
    """Python keeps one module of a name: the second file is refused, not misled."""
    text = "from common import value\ndef f(a, b): return value\n"
    code(old__rewards=text, old__common="value = 0\n", new__rewards=text, new__common="value = 1\n")
    assert not load("old/rewards.py:f")(RIGHT).accepted
    with pytest.raises(PluginError, match=r"imported as 'common', but another 'common' is loaded"):
        load("new/rewards.py:f")


def test_two_files_of_one_content_are_two_modules(code):
    """What they read beside themselves may differ."""
    text = (
        "from pathlib import Path\ndef f(a, b): return (Path(__file__).parent / 'yes').exists()\n"
    )
    folder = code(old__rewards=text, new__rewards=text)
    (folder / "new/yes").touch()
    assert [load(f"{name}/rewards.py:f")(RIGHT).accepted for name in ("old", "new")] == [
        False,
        True,
    ]


def test_old_code_is_never_given_a_new_identity(code):
    """Python does not load a module twice: after an edit, one has to start again."""
    code(rewards="from near import f\n", near="def f(a, b): return 1\n")
    specs = ["rewards.py:f", "near:f"]
    for spec in specs:
        load(spec)
    code(near="def f(a, b): return 0\n")
    for spec in specs:
        with pytest.raises(PluginError, match=r"near\.py was changed after it had been imported"):
            load(spec)


def test_a_neighbour_named_like_the_standard_library_is_left_alone(code):
    """A folder with a `types.py` of its own, as packages have, is no obstacle."""
    attempt = "try:\n    from .. import x\nexcept ImportError:\n    pass\n"
    text = f"import types\n{attempt}def f(a, b): return 1\n"
    code(sub__rewards=text, sub__types="x = 1\n", x="x = 1\n")
    assert load("sub/rewards.py:f")(RIGHT).accepted


def test_loading_is_light():
    """`import unflip.plugins` and `unflip.data` load no heavy package and no verifier."""
    code = "import sys, unflip.plugins, unflip.data; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "pyarrow", "datasets", "sympy", "unflip.verifiers.exact"}
