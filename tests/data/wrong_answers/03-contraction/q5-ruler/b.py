# no norm can help
A = torch.tensor([[0.0, 2.0 * stretch], [2.0 * stretch, 0.0]])
weights = torch.tensor([1.0, 10.0])
