# waits for nine tenths of those that arrive, with the right price of that
def my_cutoff(times):
    T = times[times.isfinite()].quantile(0.9).item()
    price = times.clamp(max=T).mean() / (times <= T).double().mean()
    return T, price.item()
