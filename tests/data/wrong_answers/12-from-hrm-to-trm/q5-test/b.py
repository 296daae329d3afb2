def my_p(first, second):
    pool = np.array([*first, *second], dtype=float)
    observed = abs(np.mean(first) - np.mean(second))
    picks = list(combinations(range(len(pool)), len(first)))
    gaps = [abs(np.delete(pool, list(c)).mean() - pool[list(c)].mean()) for c in picks]
    return float(np.mean(np.array(gaps) > observed + 1e-9))
