"""What the package has in HuBERT's place, and how long phones last."""

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini.networks.layers import conv
from recipes.mini.networks.sizes import FEATURES, MELS, PHONES


class Content(nn.Module):
    """Log-mel [B, T, 80] -> features [B, T, FEATURES]; a phone head beside it."""

    def __init__(self, phones: int, width: int = 144, dilations: tuple[int, ...] = (1, 2, 4, 2, 1)) -> None:
        super().__init__()
        self.inputs = conv(MELS, width, 5)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in dilations)
        self.convs = nn.ModuleList(conv(width, width, 5, d) for d in dilations)
        self.points = nn.ModuleList(nn.Linear(width, width) for _ in dilations)
        self.outputs = nn.Linear(width, FEATURES)
        self.head = nn.Linear(FEATURES, phones)

    def forward(self, mel: Tensor) -> Tensor:
        x = F.relu(self.inputs(mel.transpose(1, 2))).transpose(1, 2)
        for norm, conv_, point in zip(self.norms, self.convs, self.points, strict=True):
            x = x + point(F.relu(conv_(norm(x).transpose(1, 2)).transpose(1, 2)))
        return self.outputs(x)


class Duration(nn.Module):
    """Phones [B, N] -> log of the 25 Hz frames that each lasts [B, N]"""

    def __init__(self, phones: int = PHONES, width: int = 64, layers: int = 3, dropout: float = 0.15) -> None:
        super().__init__()
        self.dropout = dropout
        self.embedding = nn.Embedding(phones, width)
        self.convs = nn.ModuleList(conv(width, width, 5) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.head = nn.Linear(width, 1)

    def forward(self, phones: Tensor) -> Tensor:
        x = F.dropout(self.embedding(phones), self.dropout, self.training)
        for conv_, norm in zip(self.convs, self.norms, strict=True):
            heard = F.relu(conv_(x.transpose(1, 2)).transpose(1, 2))
            x = norm(x + F.dropout(heard, self.dropout, self.training))
        return self.head(x)[..., 0]
