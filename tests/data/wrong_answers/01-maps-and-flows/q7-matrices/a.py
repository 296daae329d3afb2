# the matrices of the chapter, with zeros
A = torch.tensor([[0.0, 5.0], [0.0, 0.0]])
B = torch.tensor([[0.0, 0.0], [5.0, 0.0]])
