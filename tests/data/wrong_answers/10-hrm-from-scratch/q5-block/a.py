def my_block(v, mix, transform):
    def rms(u):
        return u * torch.rsqrt(u.square().mean(-1, keepdim=True) + 1e-5)

    v = v + mix(rms(v))
    return v + transform(rms(v))
