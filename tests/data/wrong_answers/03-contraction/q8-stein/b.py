# squares before it adds
def stein(A):
    P, B = torch.eye(len(A)), A
    for _ in range(30):
        B = B @ B
        P = P + B.T @ P @ B
    return P


def factor(P):
    return math.sqrt(1 - 1 / torch.linalg.eigvalsh(P)[-1].item())
