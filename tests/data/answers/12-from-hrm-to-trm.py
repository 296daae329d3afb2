# %% q3-segment wrong
def my_segment(f, z_H, z_L, x, T, n):
    z_H, z_L = z_H.detach(), z_L.detach()
    for _ in range(T):
        for _ in range(n):
            z_L = f(z_L, z_H + x)
        z_H = f(z_H, z_L)
    return z_H.detach(), z_L.detach(), z_H

# %% q3-segment wrong
def my_segment(f, z_H, z_L, x, T, n):
    z_H, z_L = z_H.detach(), z_L.detach()
    for k in range(T):
        with torch.set_grad_enabled(k == T - 1):
            for _ in range(n):
                z_L = f(z_L, z_H + x)
            z_H = f(z_H, z_L + x)
    return z_H.detach(), z_L.detach(), z_H

# %% q3-segment wrong
def my_segment(f, z_H, z_L, x, T, n):
    z_H, z_L = z_H.detach(), z_L.detach()
    for k in range(T):
        with torch.set_grad_enabled(k == T - 1):
            for _ in range(n):
                z_L = f(z_L, z_H + x)
            z_H = f(z_H, z_L)
    return z_H, z_L, z_H

# %% q4-cost wrong
def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    forward = T * (n + 1) * (2 if look_ahead else 1)
    return layers * (forward + (n + 1 if calls_back is None else calls_back))

# %% q4-cost wrong
def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    forward = T * (n + 1) * (2 if look_ahead else 1)
    return layers * (forward + 2 * (T * (n + 1) if calls_back is None else calls_back))

# %% q4-cost wrong
def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    forward = T * (n + 1)
    backward = 2 * (n + 1 if calls_back is None else calls_back)
    return layers * (forward + backward) * (2 if look_ahead else 1)

# %% q5-test wrong
def my_p(first, second):
    pool = np.array([*first, *second], dtype=float)
    observed = np.mean(second) - np.mean(first)
    picks = list(combinations(range(len(pool)), len(first)))
    gaps = [np.delete(pool, list(c)).mean() - pool[list(c)].mean() for c in picks]
    return float(np.mean(np.array(gaps) >= observed - 1e-9))

# %% q5-test wrong
def my_p(first, second):
    pool = np.array([*first, *second], dtype=float)
    observed = abs(np.mean(first) - np.mean(second))
    picks = list(combinations(range(len(pool)), len(first)))
    gaps = [abs(np.delete(pool, list(c)).mean() - pool[list(c)].mean()) for c in picks]
    return float(np.mean(np.array(gaps) > observed + 1e-9))

# %% q5-test wrong
def my_p(first, second):
    pool = np.array([*first, *second], dtype=float)
    observed = abs(np.mean(first) - np.mean(second))
    picks = list(combinations(range(len(pool)), len(first)))
    gaps = [abs(pool[list(c)].mean() - pool.mean()) for c in picks]
    return float(np.mean(np.array(gaps) >= observed - 1e-9))

# %% q6-cycle wrong
def my_cycle(f, z_H, z_L, x, n):
    return suspect(f, z_H, z_L, x, n)

# %% q6-cycle wrong
def my_cycle(f, z_H, z_L, x, n):
    thought = z_L
    for _ in range(n):
        thought = f(thought, z_H + x)
    return f(z_H, z_L), thought

# %% q6-cycle wrong
def my_cycle(f, z_H, z_L, x, n):
    for _ in range(n - 1):
        z_L = f(z_L, z_H + x)
    return f(z_H, z_L), z_L

# %% q1-depth wrong: the thoughts only -> the answer of each cycle is a call
depth = T * n * layers

# %% q1-depth wrong: calls instead of blocks -> that is the number of calls
depth = T * (n + 1)

# %% q1-depth wrong: one cycle
depth = (n + 1) * layers

# %% q1-depth wrong: one call for the whole segment's answer -> n thoughts, one answer, all blocks
depth = (T * n + 1) * layers

# %% q1-depth right: of NumPy
depth = np.int64(T * n * layers) + T * layers

# %% q2-sum wrong: the other way round -> TRM's accuracy minus HRM's
gap, total = 55.0 - 87.4, 79.0

# %% q2-sum wrong: HRM is taken for a single change -> leave it out
gap = TABLE_1["TRM"].accuracy - TABLE_1["HRM"].accuracy
total = sum(TABLE_1["TRM"].accuracy - row.accuracy for row in TABLE_1.values())

# %% q2-sum wrong: the accuracies are added up -> the loss of each single change
gap = 32.4
total = sum(row.accuracy for name, row in TABLE_1.items() if name not in ("HRM", "TRM"))

# %% q2-sum wrong: the rows of the other table as well -> the rows of TABLE_1 only
from hrm_course.models.variants import TABLE_2

gap = 32.4
total = sum(87.4 - row.accuracy for name, row in (TABLE_1 | TABLE_2).items() if name != "HRM")

# %% q2-sum right: rounded to one decimal
gap = round(TABLE_1["TRM"].accuracy - 55, 1)
total = np.float32(79.0)

# %% q3-segment wrong: the states that come in keep their graph -> a gradient flows into the states
def my_segment(f, z_H, z_L, x, T, n):
    for k in range(T):
        with torch.set_grad_enabled(k == T - 1):
            for _ in range(n):
                z_L = f(z_L, z_H + x)
            z_H = f(z_H, z_L)
    return z_H.detach(), z_L.detach(), z_H

# %% q3-segment wrong: one cycle too many -> calls of f
def my_segment(f, z_H, z_L, x, T, n):
    z_H, z_L = z_H.detach(), z_L.detach()
    for k in range(T + 1):
        with torch.set_grad_enabled(k == T):
            for _ in range(n):
                z_L = f(z_L, z_H + x)
            z_H = f(z_H, z_L)
    return z_H.detach(), z_L.detach(), z_H

# %% q4-cost wrong: the forward pass alone -> the forward pass alone
def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    return layers * T * (n + 1)

# %% q4-cost wrong: every cycle has a backward pass -> only the last one has a backward pass
def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    return layers * T * (n + 1) * 3

# %% q4-cost right: a tensor
def my_cost(T, n, layers, calls_back=None, look_ahead=False):
    forward = torch.tensor(T * (n + 1)) * (1 + look_ahead)
    return layers * (forward + 2 * (n + 1 if calls_back is None else calls_back))

# %% q6-cycle wrong: the states in the other order -> the order is (z_H, z_L)
def my_cycle(f, z_H, z_L, x, n):
    for _ in range(n):
        z_L = f(z_L, z_H + x)
    return z_L, f(z_H, z_L)

# %% q7-table wrong: ideas that add up -> leaving one idea out
accuracy = {(0, 0): 50.0, (1, 0): 60.0, (0, 1): 70.0, (1, 1): 80.0}

# %% q7-table wrong: keys are text -> four keys
accuracy = {"neither": 50.0, "A": 80.0, "B": 80.0, "both": 80.0}

# %% q7-table wrong: hardly better -> at least 20 points better
accuracy = {(0, 0): 70.0, (1, 0): 80.0, (0, 1): 80.0, (1, 1): 80.0}

# %% q7-table wrong: shares instead of percent -> at least 20 points better
accuracy = {(0, 0): 0.5, (1, 0): 0.8, (0, 1): 0.8, (1, 1): 0.8}

# %% q7-table wrong: one idea alone does it -> leaving one idea out
accuracy = {(0, 0): 50.0, (1, 0): 80.0, (0, 1): 50.0, (1, 1): 80.0}

# %% q7-table right: whole numbers, no gain at all from the second idea
accuracy = {(0, 0): 10, (1, 0): 90, (0, 1): 90, (1, 1): 90}
