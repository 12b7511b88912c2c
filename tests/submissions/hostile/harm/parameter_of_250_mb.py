# The control, with a parameter of 250 MB in place of its second bias.
class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.other = torch.nn.Parameter(torch.zeros(62_500_000))

    def forward(self, x):
        return self.linear(x)
