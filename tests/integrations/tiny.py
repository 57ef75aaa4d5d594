"""A model of 20,000 weights, a tokenizer of 13 tokens and a trainer for them, all made here."""

from typing import Any


def tokenizer() -> Any:
    """Digits, plus and equals; decoding puts no blanks between them."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocab = {token: i for i, token in enumerate(["<pad>", "<eos>", *"0123456789+=?"])}
    core = Tokenizer(models.WordLevel(vocab, unk_token="?"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(""), "isolated")
    core.decoder = decoders.Fuse()
    made = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="?",
        model_input_names=["input_ids", "attention_mask"],
    )
    made.padding_side = "left"
    made.chat_template = (
        "{% for message in messages %}{{ message['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}={% endif %}"
    )
    return made


def model(seed: int = 0) -> Any:
    """A Llama with random weights, the same for each seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=15, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
        pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def rows(n: int = 16, *, chat: bool = False) -> Any:
    """Sums of two digits; the reference is a digit that a random model hits now and then."""
    from datasets import Dataset

    texts = [f"{i % 10}+{i // 10}=" for i in range(n)]
    prompts = [[{"role": "user", "content": text}] if chat else text for text in texts]
    return Dataset.from_list(
        [
            {"prompt": prompt, "reference": str(i % 10), "form": "ab"[i % 2]}
            for i, prompt in enumerate(prompts)
        ]
    )


def config(folder: Any, **changes: Any) -> Any:
    """Settings for a CPU, four completions a prompt."""
    from trl import GRPOConfig

    settings = {
        "output_dir": str(folder), "per_device_train_batch_size": 8, "num_generations": 4,
        "max_completion_length": 4, "max_steps": 3, "logging_steps": 1, "learning_rate": 1e-2,
        "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": [],
        "save_strategy": "no", "scale_rewards": "none", "disable_tqdm": True,
    }  # fmt: skip
    return GRPOConfig(**{**settings, **changes})
