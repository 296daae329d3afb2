def my_cycle(f, z_H, z_L, x, n):
    thought = z_L
    for _ in range(n):
        thought = f(thought, z_H + x)
    return f(z_H, z_L), thought
