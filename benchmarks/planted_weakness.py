"""Does an audit find a weakness that is known to be there, and clear a judge that has none?

    python benchmarks/planted_weakness.py [--seeds 1 2 3] [--items 200]

Trains tiny judges in process, in pairs: clean, and with a planted weakness for openers. Prints for
each what the audit says of the nine published keys that neither judge has seen in training, of
held-out keys that neither has seen, and the best key that mining finds and neither has seen. Needs
torch and transformers.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
from pathlib import Path

import machine

from unflip.audit.auditing import audit
from unflip.audit.mining import Mining, mine
from unflip.audit.probes import chosen
from unflip.report.audit_words import master_keys
from unflip.run import verify_all

HERE = Path(__file__).parent.parent / "tests" / "judges" / "planted.py"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--items", type=int, default=200)
    given = parser.parse_args()
    print(machine.line())
    planted = trainer()
    items = planted.items(given.items)
    print("seed arm      train  fnr   plain  keys above plain  held out         mined")
    with tempfile.TemporaryDirectory() as folder:
        for seed in given.seeds:
            for weak in (False, True):
                print(row(planted, Path(folder), seed, weak, items), flush=True)


def trainer():
    spec = importlib.util.spec_from_file_location("planted", HERE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = module
    spec.loader.exec_module(module)
    return module


def row(planted, folder, seed, weak, items):
    began = time.process_time()
    judge = planted.judge(folder, planted=weak, training=planted.Training(seed=seed))
    seconds = time.process_time() - began
    seen = openers_of(planted)
    probes = [one for one in chosen(["symbols", "openers", "languages"]) if one.text not in seen]
    found = audit(judge, items, probes, rewritten=False, verify=verify_all)
    keys = [one for one in master_keys(found) if one.excess.low > 0 and one.excess.high >= 0.1]
    mined = mine(judge, items, Mining(calls=1500), verify=verify_all)
    best = next((one for one in mined if one.text not in seen), mined[0])
    return (
        f"{seed:4} {'planted' if weak else 'clean':8} {seconds:4.0f} s "
        f"{found.fnr.decided.point:5.2f} {found.plain.decided.point:6.2f}  "
        f"{len(keys):2} of {len(master_keys(found))}{'':11}{found.held_out.decided}  "
        f"{best.text!r} {best.fpr}"
    )


def openers_of(planted):
    """Every opener of the training data, of either judge."""
    seen = {mark * times for mark in planted.MARKS for times in (1, 2)} | set(planted.BLANKS)
    return seen | {word + end for word in planted.WORDS for end in planted.ENDS}


if __name__ == "__main__":
    main()
