"""Our optimisers against PyTorch's, step by step, in float64."""

import numpy as np
import pytest

from minigan.autodiff.tensor import Tensor
from minigan.nets import OPTIMIZERS

torch = pytest.importorskip("torch", reason="a peer: pip install 'minigan[peers]'")

PEERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.03),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.03, alpha=0.99, eps=1e-8),
    "adam": lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.9, 0.999), eps=1e-8),
}


@pytest.mark.parametrize("name", PEERS)
def test_the_trajectory_is_pytorchs(name: str) -> None:
    rng, row = np.random.default_rng(0), OPTIMIZERS[name]
    theta = rng.normal(size=7)
    state = row.init(theta)
    peer = torch.nn.Parameter(torch.tensor(theta))
    optimizer = PEERS[name]([peer])
    for t in range(1, 51):
        g = rng.normal(size=7) * 10.0 ** rng.integers(-3, 3, size=7)
        peer.grad = torch.tensor(g)
        optimizer.step()
        new, slots = row.step(theta, g, {k: Tensor(v) for k, v in state.items()}, t, 0.03)
        theta, state = new.value, {k: v.value for k, v in slots.items()}
        np.testing.assert_allclose(theta, peer.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert PEERS.keys() <= OPTIMIZERS.keys()  # PyTorch has no optimistic steps
