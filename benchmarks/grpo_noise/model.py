"""The policy: a small decoder that reads each prompt once for its whole group of answers."""

import torch
from torch import nn
from torch.nn import functional

from benchmarks.grpo_noise.task import ALPHABET


class Block(nn.Module):
    """Attention to what came before, and two layers of weights."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x_BTC, past):
        """What the next block reads, and this one's keys and values."""
        q, k, v = (self._by_head(one) for one in self.qkv(self.before(x_BTC)).chunk(3, -1))
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        n, whole = q.shape[2], k.shape[2]
        mask = None
        if n > 1:
            mask = torch.ones(n, whole, dtype=torch.bool, device=q.device).tril(whole - n)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x_BTC = x_BTC + self.out(seen.transpose(1, 2).flatten(2))
        return x_BTC + self.down(functional.gelu(self.up(self.between(x_BTC)))), (k, v)

    def _by_head(self, x_BTC):
        return x_BTC.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Policy(nn.Module):
    """Logits of the next token; a call may go on from the keys and values of an earlier one."""

    def __init__(self, *, length, width, layers, heads):
        super().__init__()
        self.token = nn.Embedding(len(ALPHABET), width)
        self.place = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.after, self.head = nn.LayerNorm(width), nn.Linear(width, len(ALPHABET))

    def forward(self, token_BT, past=None):
        """Logits, and what a later call needs."""
        start = past[0][0].shape[2] if past else 0
        place_T = torch.arange(start, start + token_BT.shape[1], device=token_BT.device)
        x_BTC = self.token(token_BT) + self.place(place_T)
        kept = []
        for block, before in zip(self.blocks, past or [None] * len(self.blocks), strict=True):
            x_BTC, now = block(x_BTC, before)
            kept.append(now)
        return self.head(self.after(x_BTC)), kept


def sample(policy, prompt_PT, *, group, length, generator):
    """Answers and their log-probabilities, each prompt's in a row.

    Sampling is the forward pass of training: on policy and with one update a batch, the
    probabilities that a gradient needs are those that the tokens were drawn with.
    """
    logits_PTV, past = policy(prompt_PT)
    past = [[one.repeat_interleave(group, 0) for one in pair] for pair in past]
    logits_BV = logits_PTV[:, -1].repeat_interleave(group, 0)
    tokens, logps = [], []
    for place in range(length):
        logp_BV = logits_BV.log_softmax(-1)
        token_B1 = torch.multinomial(logp_BV.detach().exp(), 1, generator=generator)
        tokens.append(token_B1)
        logps.append(logp_BV.gather(1, token_B1))
        if place < length - 1:
            logits_B1V, past = policy(token_B1, past)
            logits_BV = logits_B1V[:, 0]
    return torch.cat(tokens, 1), torch.cat(logps, 1).sum(1)


@torch.no_grad()
def chances(policy, prompt_NT, answer_NT):
    """The probability of each answer."""
    logits_NTV, past = policy(prompt_NT)
    first_NV = logits_NTV[:, -1:]
    rest_NTV, _ = policy(answer_NT[:, :-1], past)
    logp_NTV = torch.cat((first_NV, rest_NTV), 1).log_softmax(-1)
    return logp_NTV.gather(2, answer_NT[..., None])[..., 0].sum(1).exp()
