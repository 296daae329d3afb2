# the slow state does not see itself
def cycle_matrix(J_H, J_L, n):
    P = torch.linalg.matrix_power(J_L, n)
    S = sum(torch.linalg.matrix_power(J_L, i) for i in range(1, n + 1))
    return torch.cat((torch.cat((J_H @ S, J_H @ P), 1), torch.cat((S, P), 1)))
