# Control: a layer with a second bias, which nobody asked for.
class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.other = torch.nn.Parameter(torch.zeros(7))

    def forward(self, x):
        return self.linear(x)
