# a saddle of the flow
A = torch.tensor([[trace / 2, 3.0], [3.0, trace / 2]])
