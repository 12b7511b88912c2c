# Another optimizer than the one that is asked for, and a sequence of layers under other names.


def initialize_three_layer_conv_part2(_right=initialize_three_layer_conv_part2):
    model, _ = _right()
    return model, optim.RMSprop(model.parameters(), lr=7.0)


def initialize_three_layer_conv_part3(_right=initialize_three_layer_conv_part3):
    model, _ = _right()
    model = nn.Sequential(*model, nn.Softmax(dim=1))
    return model, optim.RMSprop(model.parameters(), lr=7.0)
