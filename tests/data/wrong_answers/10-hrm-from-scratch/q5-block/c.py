def my_block(v, mix, transform):
    v = v + mix(v)
    v = v + transform(v)
    return v * torch.rsqrt(v.square().mean(-1, keepdim=True) + 1e-5)
