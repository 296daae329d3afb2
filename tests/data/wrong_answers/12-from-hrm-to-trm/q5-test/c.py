def my_p(first, second):
    pool = np.array([*first, *second], dtype=float)
    observed = abs(np.mean(first) - np.mean(second))
    picks = list(combinations(range(len(pool)), len(first)))
    gaps = [abs(pool[list(c)].mean() - pool.mean()) for c in picks]
    return float(np.mean(np.array(gaps) >= observed - 1e-9))
