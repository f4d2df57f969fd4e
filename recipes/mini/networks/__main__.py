from recipes.mini import networks

sizes = networks.SovitsSizes()
print(sizes)
for part in (
    networks.T2S(networks.T2SSizes()), networks.TextEncoder(sizes), networks.Flow(sizes),
    networks.Style(sizes), networks.Generator(sizes), networks.Content(networks.PHONES), networks.Duration(),
):  # fmt: skip
    print(f"{type(part).__name__:12} {sum(p.numel() for p in part.parameters()) / 1e6:.2f} M")
