"""The network in torch: MiniLM with word shapes in place of sentence numbers, and heads after two layers.

The shallow exit learns beside the deep one and from it, at little more than the cost of one; what ships
is the exit that measures better for its time.
"""

from __future__ import annotations

from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertModel
from weights import package_folder

from islandrun.privacy.detect.tagger import CLASS_STEPS, LABELS, TOPICS
from islandrun.privacy.detect.tokens import SHAPES

EXITS = (4, 6)
TEXT_OUTPUTS = CLASS_STEPS + len(TOPICS)


def tokenizer() -> Tokenizer:
    """Return the tokenizer of the encoder without truncation and padding."""
    found = Tokenizer.from_file(str(package_folder() / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


class Exit(nn.Module):
    """The heads after one layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.tokens = nn.Linear(width, LABELS + 1)
        self.texts = nn.Linear(width, TEXT_OUTPUTS)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (rows, tokens, width) to log-odds of labels, of being private, and of the text."""
        dropped = self.drop(hidden)
        both = self.tokens(dropped)
        return both[..., :LABELS], both[..., LABELS], self.texts(dropped[:, 0])


class TaggerNetwork(nn.Module):
    """The encoder and its exits."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(
            package_folder(),
            add_pooling_layer=False,
            attn_implementation="eager",
            attention_probs_dropout_prob=0.0,
            hidden_dropout_prob=0.0,
        )
        table = self.bert.embeddings.token_type_embeddings.weight.data[:1]
        self.bert.embeddings.token_type_embeddings = nn.Embedding.from_pretrained(
            table.repeat(SHAPES, 1), freeze=False
        )
        self.bert.embeddings.word_embeddings.weight.requires_grad_(False)
        self.exits = nn.ModuleDict({str(layer): Exit(self.bert.config.hidden_size) for layer in EXITS})

    def forward(self, ids: Tensor, shapes: Tensor) -> dict[int, tuple[Tensor, Tensor, Tensor]]:
        """Return what each exit says of (rows, tokens) of ids and shapes; id 0 is padding."""
        hidden = self.bert(
            input_ids=ids, token_type_ids=shapes, attention_mask=(ids != 0).long(), output_hidden_states=True
        ).hidden_states
        return {layer: self.exits[str(layer)](hidden[layer]) for layer in EXITS}
