"""What is trained of a reader: low-rank adapters inside the transformer, and the heads over it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from models.reader import Heads, ReaderSpec, Scores


@dataclass(frozen=True)
class ReaderSettings:
    """The loop's numbers, from ``reader.toml``; no targets: the transformer stays as it is."""

    seed: int
    epochs: int
    parts: int  # in which an epoch is taught, each with validation and checkpoint
    batch: int
    rate: float
    rate_heads: float
    warmup: float
    decay: float
    rank: int
    alpha: int
    dropout: float
    max_tokens: int
    patience: int
    targets: tuple[str, ...]


class Learner(nn.Module):
    """The transformer with its adapters, and the heads."""

    def __init__(self, model: nn.Module, spec: ReaderSpec, settings: ReaderSettings) -> None:
        super().__init__()
        torch.manual_seed(settings.seed)
        self.adapted = bool(settings.targets)
        self.encoder = get_peft_model(model, _adapters(settings)) if self.adapted else model
        self.heads = Heads(spec, int(model.config.hidden_size))  # type: ignore[union-attr, arg-type]

    def forward(self, tokens: Any) -> Scores:
        """Logits of a batch of tokens."""
        with torch.set_grad_enabled(self.adapted and torch.is_grad_enabled()):
            states = self.encoder(**tokens).last_hidden_state
        scores: Scores = self.heads(states, tokens["attention_mask"])
        return scores

    def weights(self) -> dict[str, Tensor]:
        """Copies of what was learned, under the names of `models.reader.merge`."""
        found = {f"heads.{name}": weight for name, weight in self.heads.state_dict().items()}
        for name, weight in self.encoder.state_dict().items():
            if ".lora_" in name:
                module, _, which = name.removeprefix("base_model.model.").partition(".lora_")
                found[f"adapters.{module}.{which[0]}"] = weight
        return {name: weight.detach().clone().contiguous() for name, weight in found.items()}

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take up what `weights` gave."""
        self.heads.load_state_dict({name[6:]: weight for name, weight in weights.items() if name[:6] == "heads."})
        with torch.no_grad():
            for name, weight in self.encoder.named_parameters():
                module, _, which = name.removeprefix("base_model.model.").partition(".lora_")
                if which:
                    weight.copy_(weights[f"adapters.{module}.{which[0]}"])


def _adapters(settings: ReaderSettings) -> LoraConfig:
    inside = rf"encoder\.layer\.\d+\..*({'|'.join(settings.targets)})"  # not the pooler, which is not used
    return LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=inside)
