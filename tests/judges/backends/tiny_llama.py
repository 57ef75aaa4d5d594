"""A Llama with random weights and a byte-level tokenizer, made here and loaded from a folder."""

from pathlib import Path

CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}"
    "{% if not loop.last or m['role'] != 'assistant' %}<end>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer():
    """One token a byte, and two words that are tokens of their own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(["<pad>", "<end>", *letters, "NO"])}
    core = Tokenizer(models.BPE(vocab, [("N", "O")]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>")
    made.chat_template = CHAT
    made.padding_side = "left"
    return made


def save(folder: Path, *, seed: int = 0, scale: float = 0.3) -> str:
    """A model with random weights, the same for each seed, in a folder."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    made = tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(made), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=256,
        initializer_range=scale, pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    # What a published model may bring along, and must not colour a judge's replies.
    model.generation_config = GenerationConfig(
        eos_token_id=1, pad_token_id=0, do_sample=True, top_k=1, repetition_penalty=5.0
    )
    made.save_pretrained(folder)
    model.save_pretrained(folder)
    return str(folder)
