# columns instead of rows
def my_rule(p, P, cost, last):
    V, stop = p.repeat(last, 1), torch.ones(last, len(p), dtype=torch.bool)
    for n in reversed(range(last - 1)):
        go_on = P.T @ V[n + 1] - cost
        stop[n] = p >= go_on
        V[n] = torch.maximum(p, go_on)
    return V, stop
