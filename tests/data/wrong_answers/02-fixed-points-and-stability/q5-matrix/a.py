# a turn: large modulus, real parts zero
J = torch.tensor([[0.02, 9.0, 0.02], [-9.0, 0.02, 0.02], [0.02, 0.02, -0.04]])
