# halves that are not tame
def reduced_map(J_H, J_L):
    return J_H @ torch.linalg.inv(torch.eye(len(J_L)) - J_L)


L, H = 0.9 * torch.eye(8), 0.95 * torch.eye(8)
