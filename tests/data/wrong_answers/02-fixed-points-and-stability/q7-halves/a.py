# the wrong order
def reduced_map(J_H, J_L):
    return torch.linalg.inv(torch.eye(len(J_L)) - J_L) @ J_H


L, H = torch.zeros(8, 8), torch.zeros(8, 8)
L[0, 1], H[1, 0] = 4.0, 0.3 * wild
