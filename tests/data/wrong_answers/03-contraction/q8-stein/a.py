# the transposes are exchanged
def stein(A):
    P, B = torch.eye(len(A)), A
    for _ in range(30):
        P, B = P + B @ P @ B.T, B @ B
    return P


def factor(P):
    return math.sqrt(1 - 1 / torch.linalg.eigvalsh(P)[-1].item())
