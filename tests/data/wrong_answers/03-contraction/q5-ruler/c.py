# weights the wrong coordinate
A = torch.tensor([[0.5, 2.0 * stretch], [0.0, 0.5]])
weights = torch.tensor([10.0 * stretch, 1.0])
