"""A transformer of a few thousand weights in a folder of its own, and readers on it: no big model is loaded."""

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertConfig, BertModel

from models.encode import EncoderIdentity, identity_of, installed_folder
from models.reader import Detail, Heads, Reader, ReaderSpec

torch.set_num_threads(1)

SPEC = ReaderSpec(
    ("hemorrhage", "occlusion", "aspects"),
    (Detail("occlusion", "site", "m1"), Detail("occlusion", "site", "m2"), Detail("aspects", "at_most", 7.0)),
)
WIDTH = 16


@cache
def tokenizer() -> Any:
    """The real tokenizer, loaded once."""
    return AutoTokenizer.from_pretrained(str(installed_folder()), local_files_only=True)


def small_model(seed: int = 0) -> BertModel:
    """An untrained transformer of two layers."""
    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertModel(config).eval().requires_grad_(False)


def small_heads(spec: ReaderSpec = SPEC, seed: int = 1) -> Heads:
    """Heads with random weights, so that each input gives another answer."""
    torch.manual_seed(seed)
    heads = Heads(spec, WIDTH)
    with torch.no_grad():
        for weight in heads.parameters():
            weight.normal_()
    return heads


def small_reader() -> Reader:
    """A reader that answers nonsense, quickly."""
    return Reader(SPEC, tokenizer(), small_model(), small_heads())


def encoder_folder(folder: Path) -> EncoderIdentity:
    """The small transformer written into a folder with the real tokenizer; its identity."""
    small_model().save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        if (installed_folder() / name).is_file():
            shutil.copyfile(installed_folder() / name, folder / name)
    return identity_of(folder, "small", WIDTH)
