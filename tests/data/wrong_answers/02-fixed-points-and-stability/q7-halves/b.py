# the fast state alone, not the sum
def reduced_map(J_H, J_L):
    return J_H @ torch.linalg.inv(torch.eye(len(J_L)) - J_L) @ J_L


L, H = torch.zeros(8, 8), torch.zeros(8, 8)
L[0, 1], H[1, 0] = 4.0, 0.3 * wild
