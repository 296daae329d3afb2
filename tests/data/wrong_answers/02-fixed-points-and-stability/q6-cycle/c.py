# the fast state first
def cycle_matrix(J_H, J_L, n):
    P = torch.linalg.matrix_power(J_L, n)
    S = sum(torch.linalg.matrix_power(J_L, i) for i in range(1, n + 1))
    return torch.cat((torch.cat((P, S), 1), torch.cat((J_H @ P, J_H + J_H @ S), 1)))
