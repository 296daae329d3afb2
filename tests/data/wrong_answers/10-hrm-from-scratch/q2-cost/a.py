def my_cost(V, D, num_layers, H_cycles, L_cycles, segments, multiple):
    passed = segments * H_cycles * L_cycles * num_layers
    block = 4 * D * D + 3 * D * my_width(D, 4, multiple)
    return passed, segments * 2 * num_layers, 2 * V * D + 2 * D + 2 + 2 * num_layers * block
