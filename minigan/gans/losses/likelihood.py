"""Fitting a generator whose density is known, without a critic: forward and reverse KL."""

from collections.abc import Callable

from minigan.autodiff import Tensor
from minigan.gans.losses.critic_output import Batch


def negative_log_likelihood(real: Batch, fake: Batch) -> Tensor:
    """−E_x log q(x) = KL(p ‖ q) + the entropy of the data, which is no matter of θ. In nats.

    Zero-avoiding: q must cover whatever occurs. Source: Theis et al. (2016), section 2. Checked by: D13.
    """
    return -_density(real.log_q, "q")(real.points).mean(-1)


def reverse_kl(real: Batch, fake: Batch) -> Tensor:
    """KL(q ‖ p) = E_z [log q(G(z)) − log p(G(z))], the gradient taken through the sample. In nats.

    Zero-forcing: q may lock onto one mode. Source: Theis et al. (2016), section 2; Huszár (2015). Checked by: D14.
    """
    x = fake.points
    return (_density(fake.log_q, "q")(x) - _density(fake.log_p, "p")(x)).mean(-1)


OWNER = {"p": "data", "q": "generator"}  # of the density


def _density(log_density: Callable[[Tensor], Tensor] | None, name: str) -> Callable[[Tensor], Tensor]:
    if log_density is None:
        raise ValueError(f"this loss needs log {name}(x), and the {OWNER[name]} has none")
    return log_density
