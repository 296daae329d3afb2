# %% q1-width wrong
def my_width(D, expansion, multiple):
    return multiple * round(round(expansion * D * 2 / 3) / multiple + 0.01 - 0.5)

# %% q1-width wrong
def my_width(D, expansion, multiple):
    return math.ceil(expansion * D * 2 / 3)

# %% q1-width wrong
def my_width(D, expansion, multiple):
    return multiple * (1 + round(expansion * D * 2 / 3) // multiple) + multiple

# %% q10-repaired wrong
def repaired(model, state, inputs):
    c, rope = model.config, (model.rope_cos, model.rope_sin)

    def norm(u):
        return u * torch.rsqrt(u.square().mean(1, keepdim=True) + 1e-5)

    def network(blocks, z, injection):
        v = z + injection
        for block in blocks:
            v = norm(v + block.mix(v, rope))
            v = norm(v + block.mlp(v))
        return v

    x = model.embed(inputs)
    z_H, z_L = (z.detach() for z in state)
    with torch.no_grad():
        for i in range(c.H_cycles):
            for j in range(c.L_cycles):
                if not (i == c.H_cycles - 1 and j == c.L_cycles - 1):
                    z_L = network(model.L_layers, z_L, z_H + x)
            if i < c.H_cycles - 1:
                z_H = network(model.H_layers, z_H, z_L)
    z_L = network(model.L_layers, z_L, z_H + x)
    z_H = network(model.H_layers, z_H, z_L)
    return z_H.detach(), z_L.detach(), model.lm_head(z_H)

# %% q10-repaired wrong
def repaired(model, state, inputs):
    c, rope = model.config, (model.rope_cos, model.rope_sin)

    def norm(u):
        return u * torch.rsqrt(u.square().mean(-1, keepdim=True) + 1e-5)

    def network(blocks, z, injection):
        v = z + injection
        for block in blocks:
            v = norm(v + block.mix(v, rope))
            v = norm(v + block.mlp(v))
        return v

    x = model.embed(inputs)
    z_H, z_L = (z.detach() for z in state)
    with torch.no_grad():
        for i in range(c.H_cycles):
            for j in range(c.L_cycles):
                if not (i == c.H_cycles - 1 and j == c.L_cycles - 1):
                    z_L = network(model.L_layers, z_L, z_H + x)
            if True:
                z_H = network(model.H_layers, z_H, z_L)
    z_L = network(model.L_layers, z_L, z_H + x)
    z_H = network(model.H_layers, z_H, z_L)
    return z_H.detach(), z_L.detach(), model.lm_head(z_H)

# %% q10-repaired wrong
def repaired(model, state, inputs):
    c, rope = model.config, (model.rope_cos, model.rope_sin)

    def norm(u):
        return u * torch.rsqrt(u.square().mean(-1, keepdim=True) + 1e-5)

    def network(blocks, z, injection):
        v = z + injection
        for block in blocks:
            v = norm(v + block.mix(v, rope))
            v = norm(v + block.mlp(v))
        return v

    x = model.embed(inputs)
    z_H, z_L = (z.detach() for z in state)
    with torch.no_grad():
        for i in range(c.H_cycles):
            for j in range(c.L_cycles):
                if not (i == c.H_cycles - 1 and j == c.L_cycles - 1):
                    z_L = network(model.L_layers, z_L, z_H + x)
            if i < c.H_cycles - 1:
                z_H = network(model.H_layers, z_H, z_L)
    z_L = network(model.L_layers, z_L, z_H + x).detach()
    z_H = network(model.H_layers, z_H, z_L)
    return z_H.detach(), z_L.detach(), model.lm_head(z_H)

# %% q2-cost wrong
def my_cost(V, D, num_layers, H_cycles, L_cycles, segments, multiple):
    passed = segments * H_cycles * L_cycles * num_layers
    block = 4 * D * D + 3 * D * my_width(D, 4, multiple)
    return passed, segments * 2 * num_layers, 2 * V * D + 2 * D + 2 + 2 * num_layers * block

# %% q2-cost wrong
def my_cost(V, D, num_layers, H_cycles, L_cycles, segments, multiple):
    passed = segments * H_cycles * (L_cycles + 1) * num_layers
    block = 4 * D * D + 3 * D * my_width(D, 4, multiple)
    trained = 2 * V * D + 2 * D + 2 + 2 * num_layers * block
    return passed, segments * (L_cycles + 1) * num_layers, trained

# %% q2-cost wrong
def my_cost(V, D, num_layers, H_cycles, L_cycles, segments, multiple):
    passed = segments * H_cycles * (L_cycles + 1) * num_layers
    block = 4 * D * D + 3 * D * my_width(D, 4, multiple)
    return passed, segments * 2 * num_layers, 2 * V * D + 2 * D + 2 + num_layers * block

# %% q3-cut wrong
def my_cut_normal(n, std, cut, generator):
    mass = math.erf(cut / math.sqrt(2))
    uniform = mass * (2 * torch.rand(n, generator=generator) - 1)
    return math.sqrt(2) * std * torch.erfinv(uniform)

# %% q3-cut wrong
def my_cut_normal(n, std, cut, generator):
    mass = math.erf(cut / math.sqrt(2))
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    sigma = std / math.sqrt(1 - 2 * cut * density / mass)
    return (sigma * torch.randn(n, generator=generator)).clip(-cut * sigma, cut * sigma)

# %% q3-cut wrong
def my_cut_normal(n, std, cut, generator):
    z = torch.randn(4 * n, generator=generator)
    z = z[z.abs() < cut + 0.5][:n]
    return std * z / z.std()

# %% q4-rope wrong
def my_rope(v, theta):
    L, d = v.shape[-2:]
    frequency = theta ** (-2 * torch.arange(d // 2) / d)
    angle = torch.outer(torch.arange(L), frequency)
    a, b = v[..., 0::2], v[..., 1::2]
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2)

# %% q4-rope wrong
def my_rope(v, theta):
    L, d = v.shape[-2:]
    frequency = theta ** (-2 * torch.arange(d // 2) / d)
    angle = torch.outer(torch.arange(L), frequency)
    a, b = v.chunk(2, dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat((a * cos + b * sin, b * cos - a * sin), dim=-1)

# %% q4-rope wrong
def my_rope(v, theta):
    L, d = v.shape[-2:]
    frequency = theta ** (-torch.arange(d // 2) / d)
    angle = torch.outer(torch.arange(L), frequency)
    a, b = v.chunk(2, dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)

# %% q5-block wrong
def my_block(v, mix, transform):
    def rms(u):
        return u * torch.rsqrt(u.square().mean(-1, keepdim=True) + 1e-5)

    v = v + mix(rms(v))
    return v + transform(rms(v))

# %% q5-block wrong
def my_block(v, mix, transform):
    def rms(u):
        return u * torch.rsqrt(u.square().mean(-1, keepdim=True) + 1e-5)

    v = rms(mix(v))
    return rms(transform(v))

# %% q5-block wrong
def my_block(v, mix, transform):
    v = v + mix(v)
    v = v + transform(v)
    return v * torch.rsqrt(v.square().mean(-1, keepdim=True) + 1e-5)

# %% q6-clocks wrong
def my_segment(fast, slow, z_H, z_L, x, H_cycles, L_cycles):
    z_H, z_L = z_H.detach(), z_L.detach()
    with torch.no_grad():
        for _ in range(H_cycles - 1):
            for _ in range(L_cycles):
                z_L = fast(z_L, z_H + x)
            z_H = slow(z_H, z_L)
        for _ in range(L_cycles):
            z_L = fast(z_L, z_H + x)
    z_L = fast(z_L, z_H + x)
    return slow(z_H, z_L), z_L

# %% q6-clocks wrong
def my_segment(fast, slow, z_H, z_L, x, H_cycles, L_cycles):
    z_H, z_L = z_H.detach(), z_L.detach()
    for _ in range(H_cycles):
        for _ in range(L_cycles):
            z_L = fast(z_L, z_H + x)
        z_H = slow(z_H, z_L)
    return z_H, z_L

# %% q6-clocks wrong
def my_segment(fast, slow, z_H, z_L, x, H_cycles, L_cycles):
    z_H, z_L = z_H.detach(), z_L.detach()
    with torch.no_grad():
        for tick in range(1, H_cycles * L_cycles):
            z_L = fast(z_L, z_H + x)
            if tick % L_cycles == 0:
                z_H = slow(z_H, z_L + x)
    z_L = fast(z_L, z_H + x)
    return slow(z_H, z_L + x), z_L

# %% q7-gradients wrong
def my_gradients(A, B, C, D, x, y, z_H, z_L):
    injection = z_H + x
    new_L = torch.tanh(A @ z_L + B @ injection)
    error = C @ z_H + D @ new_L - y
    back = D.T @ error
    return (
        torch.outer(back, z_L),
        torch.outer(back, injection),
        torch.outer(error, z_H),
        torch.outer(error, new_L),
    )

# %% q7-gradients wrong
def my_gradients(A, B, C, D, x, y, z_H, z_L):
    injection = z_H + x
    new_L = torch.tanh(A @ z_L + B @ injection)
    error = C @ z_H + D @ new_L - y
    back = (1 - new_L**2) * (D.T @ error)
    return (
        torch.outer(back, z_L),
        torch.outer(back, injection),
        torch.outer(error, z_H),
        torch.outer(error, z_L),
    )

# %% q7-gradients wrong
def my_gradients(A, B, C, D, x, y, z_H, z_L):
    new_L = torch.tanh(A @ z_L + B @ (z_H + x))
    error = C @ z_H + D @ new_L - y
    back = (1 - new_L**2) * (D.T @ error)
    return (
        torch.outer(back, z_L),
        torch.outer(back, z_H),
        torch.outer(error, z_H),
        torch.outer(error, new_L),
    )

# %% q8-turn wrong
def my_turn(slots, fresh, start, run, segments, floor):
    halted, z = slots["halted"], slots["z"]
    inputs = torch.where(halted.view(-1, 1), fresh, slots["inputs"])
    age = torch.where(halted, 0, slots["age"]) + 1
    z, stop_logit = run(z, inputs)
    halted = ((age >= segments) | (stop_logit > 0)) & (age >= floor)
    return {"z": z, "inputs": inputs, "age": age, "halted": halted}

# %% q8-turn wrong
def my_turn(slots, fresh, start, run, segments, floor):
    halted, z = slots["halted"], slots["z"]
    inputs = torch.where(halted.view(-1, 1), fresh, slots["inputs"])
    z = torch.where(halted.view(-1, 1, 1), start, z)
    age = slots["age"] + 1
    z, stop_logit = run(z, inputs)
    halted = ((age >= segments) | (stop_logit > 0)) & (age >= floor)
    return {"z": z, "inputs": inputs, "age": age, "halted": halted}

# %% q8-turn wrong
def my_turn(slots, fresh, start, run, segments, floor):
    halted, z = slots["halted"], slots["z"]
    inputs = torch.where(halted.view(-1, 1), fresh, slots["inputs"])
    z = torch.where(halted.view(-1, 1, 1), start, z)
    age = torch.where(halted, 0, slots["age"])
    z, stop_logit = run(z, inputs)
    halted = ((age >= segments) | (stop_logit > 0)) & (age >= floor)
    return {"z": z, "inputs": inputs, "age": age + 1, "halted": halted}

# %% q1-width wrong: cut off instead of rounded -> int() cuts off
def my_width(D, expansion, multiple):
    return multiple * math.ceil(max(1, int(expansion * D * 2 / 3)) / multiple)

# %% q4-rope right: with a table in single precision
def my_rope(v, theta):
    L, d = v.shape[-2:]
    frequency = torch.tensor([theta ** (-2 * i / d) for i in range(d // 2)], dtype=torch.float32)
    angle = torch.outer(torch.arange(L), frequency)
    a, b = v.chunk(2, dim=-1)
    return torch.cat((a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()), dim=-1)
