# The control, whose second bias is one of a layer (so that it may be set aside) and has 60 million elements.
class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.norm = torch.nn.Linear(1, 1, bias=False)
        self.norm.weight = None
        self.norm.bias = torch.nn.Parameter(torch.zeros(60_000_000))

    def forward(self, x):
        return self.linear(x)
