# no square root
def stein(A):
    P, B = torch.eye(len(A)), A
    for _ in range(30):
        P, B = P + B.T @ P @ B, B @ B
    return P


def factor(P):
    return 1 - 1 / torch.linalg.eigvalsh(P)[-1].item()
