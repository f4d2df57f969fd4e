"""The latent -> sound: upsampling, and after each step the mean of a few residual blocks (HiFi-GAN)."""

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits.attention import masked
from mlx_voice.models.sovits.config import SoVITSConfig
from mlx_voice.nn.conv import Conv1d, ConvTranspose1d

SLOPE = 0.1
LAST_SLOPE = 0.01


def cut(x: mx.array, lengths: mx.array | None) -> mx.array:
    """Zeros behind each row's own end, so that a convolution sees there what it sees behind a lone row."""
    if lengths is None:
        return x
    return masked(x, mx.arange(x.shape[1]) < lengths[:, None])


class ResBlock(nn.Module):
    """Residual steps of a dilated convolution, in kind "1" followed by an undilated one."""

    def __init__(self, kind: str, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()

        def convolution(dilation: int) -> Conv1d:
            padding = dilation * (kernel - 1) // 2
            return Conv1d(channels, channels, kernel, dilation=dilation, padding=padding)

        self.convs1 = [convolution(dilation) for dilation in dilations]
        self.convs2 = [convolution(1) for _ in dilations] if kind == "1" else []

    def __call__(self, x: mx.array, lengths: mx.array | None) -> mx.array:
        for i, convolve in enumerate(self.convs1):
            y = convolve(cut(nn.leaky_relu(x, SLOPE), lengths))
            if self.convs2:
                y = self.convs2[i](cut(nn.leaky_relu(y, SLOPE), lengths))
            x = x + y
        return x


class Generator(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        width, pre = config.upsample_initial_channel, config.pre_kernel
        self.conv_pre = Conv1d(config.inter_channels, width, pre, padding=pre // 2)
        self.cond = nn.Linear(config.gin_channels, width)
        self.ups: list[ConvTranspose1d] = []
        self.resblocks: list[list[ResBlock]] = []
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            self.ups.append(ConvTranspose1d(width, width // 2, kernel, rate, (kernel - rate) // 2))
            width //= 2
            shapes = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
            self.resblocks.append([ResBlock(config.resblock, width, *shape) for shape in shapes])
        self.conv_post = Conv1d(width, 1, config.post_kernel, padding=config.post_kernel // 2, bias=False)

    def __call__(self, z: mx.array, ge: mx.array, mask: mx.array | None = None) -> mx.array:
        """[B, T, inter] -> [B, samples]; exact where `generator_context` frames on both sides are given."""
        lengths: mx.array | None = None if mask is None else mask.sum(axis=1)
        x = self.conv_pre(cut(z, lengths)) + self.cond(ge)
        for up, blocks in zip(self.ups, self.resblocks, strict=True):
            x = up(cut(nn.leaky_relu(x, SLOPE), lengths))
            lengths = None if lengths is None else up.length(lengths)
            x = sum((block(x, lengths) for block in blocks[1:]), blocks[0](x, lengths)) / len(blocks)
        x = self.conv_post(cut(nn.leaky_relu(x, LAST_SLOPE), lengths))
        return cut(mx.tanh(x), lengths)[..., 0]
