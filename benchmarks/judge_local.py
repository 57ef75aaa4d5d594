"""A local model as a judge: verdicts a second by batch, and how far precisions and devices agree.

python benchmarks/judge_local.py [--model FOLDER] [--rows N] [--quick]

Every row is a prompt of 60 to 300 bytes. `weighed` is the chance of the words of the template
yes-no, scored whole; `generated` is a reply of 16 tokens. Without a model, a Llama with random
weights is made here, whose tokens are bytes: small on a CPU, about a billion weights on a GPU.
Agreement is of the words' log-probabilities with those of float32 on the CPU, row by row, and of
the side of P(yes) = 1/2 on which they fall; with random weights chances are close together, so the
log-probabilities say more.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import machine
import torch

from unflip.judges import template
from unflip.judges.asking import Request, Turn
from unflip.judges.backends import Local
from unflip.judges.chances import variants, weighed

HERE = Path(__file__).parent.parent / "tests" / "judges" / "backends"


def main() -> None:
    given = arguments()
    print(machine.line(), f"torch {torch.__version__}", gpu(), sep=", ")
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or made(folder, quick=given.quick)
        requests = list(asked(given.rows))
        places = [("cpu", "float32"), ("cpu", "bfloat16")]
        if torch.cuda.is_available():
            places += [("cuda", "float32"), ("cuda", "bfloat16")]
        speeds(model, requests, places, given.batches)
        agreement(model, requests[: given.agree], places)


def speeds(
    model: str, requests: list[Request], places: list[tuple[str, str]], batches: list[int]
) -> None:
    """Rows a second, by device, precision and batch."""
    print(f"\n{len(requests)} rows\n\n| device | dtype | batch | weighed/s | generated/s |")
    print("|---|---|---|---|---|")
    for device, dtype in places[-1:] if torch.cuda.is_available() else places:
        for batch in batches:
            judge = Local(model, device=device, dtype=dtype, batch=batch, kind="tiny")
            endings = tuple(variants(template("yes-no").grammar))
            judge.weigh(requests[:batch], endings)
            weighs = rate(len(requests), lambda j=judge, e=endings: j.weigh(requests, e))
            says = rate(len(requests), lambda j=judge: j.ask(requests))
            print(f"| {device} | {dtype} | {batch} | {weighs:.1f} | {says:.1f} |", flush=True)
        judge.close()


def agreement(model: str, requests: list[Request], places: list[tuple[str, str]]) -> None:
    """Each place against float32 on the CPU, and a batch against single rows."""
    ways = variants(template("yes-no").grammar)
    plain = Local(model, device="cpu", dtype="float32", batch=1, kind="tiny")
    truth = plain.weigh(requests, tuple(ways))
    print(f"\n{len(requests)} rows against float32 on the CPU, one at a time\n")
    print("| device | dtype | log-probability, mean | at most | P(yes), at most | same side |")
    print("|---|---|---|---|---|---|")
    for device, dtype in places:
        judge = Local(model, device=device, dtype=dtype, batch=16, kind="tiny")
        found = judge.weigh(requests, tuple(ways))
        apart = [
            abs(a - b)
            for one, other in zip(found, truth, strict=True)
            for a, b in zip(one, other, strict=True)
        ]
        sure = [[weighed(w, list(ways.values())).p for w in rows] for rows in (found, truth)]
        gaps = [abs(a - b) for a, b in zip(*sure, strict=True)]
        same = mean((a >= 0.5) == (b >= 0.5) for a, b in zip(*sure, strict=True))
        print(
            f"| {device} | {dtype} | {mean(apart):.5f} | {max(apart):.5f} "
            f"| {max(gaps):.5f} | {same:.3f} |",
            flush=True,
        )
        judge.close()


def rate(count: int, work) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return count / (time.perf_counter() - began)


def asked(count: int) -> Iterator[Request]:
    """Short prompts of different lengths."""
    draw = random.Random(0)
    for number in range(count):
        answer = " ".join(str(draw.randrange(1000)) for _ in range(draw.randrange(5, 60)))
        text = f"Is {answer} the same as {number}? Reply with YES or NO only."
        yield Request((Turn("user", text),), max_tokens=16)


def made(folder: str, *, quick: bool) -> str:
    """A model with random weights and the tests' tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sys.path.insert(0, str(HERE))
    from tiny_llama import tokenizer

    large = torch.cuda.is_available() and not quick
    hidden, layers = (2048, 20) if large else (128, 2)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=hidden, intermediate_size=4 * hidden,
        num_hidden_layers=layers, num_attention_heads=hidden // 64,
        num_key_value_heads=hidden // 64, max_position_embeddings=4096,
        initializer_range=0.5 / hidden**0.5, pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    words.save_pretrained(folder)
    model.save_pretrained(folder)
    print(f"made here: {sum(p.numel() for p in model.parameters()) / 1e6:.0f} million weights")
    return folder


def gpu() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a folder, or a name on the hub")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--batches", type=int, nargs="+")
    parser.add_argument("--quick", action="store_true", help="a small model and few rows")
    given = parser.parse_args()
    large = torch.cuda.is_available() and not given.quick
    given.rows = given.rows or (2048 if large else 8)
    given.batches = given.batches or ([1, 8, 32, 128, 512] if large else [1, 4])
    given.agree = min(given.rows, 64 if large else 4)
    return given


if __name__ == "__main__":
    main()
