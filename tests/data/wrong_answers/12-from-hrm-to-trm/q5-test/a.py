def my_p(first, second):
    pool = np.array([*first, *second], dtype=float)
    observed = np.mean(second) - np.mean(first)
    picks = list(combinations(range(len(pool)), len(first)))
    gaps = [np.delete(pool, list(c)).mean() - pool[list(c)].mean() for c in picks]
    return float(np.mean(np.array(gaps) >= observed - 1e-9))
