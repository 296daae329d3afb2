# returns the flattest pair even if it is not swapped
def swapped_pair(f, low, high):
    points = torch.linspace(low, high, 1001)
    least = f(points).diff().argmin()
    return points[least].item(), points[least + 1].item()
