"""The better the discriminator, the worse the gradient it leaves to the generator: a few seconds.

    python demos/vanishing_gradient.py            a small size, in a few seconds
    python demos/vanishing_gradient.py --full     10 seeds, as on docs/vanishing.md: two minutes on a free core

Source: Arjovsky & Bottou (2017), theorem 2.4, figures 2 and 3; in the notes: `xu`, `weng`.
"""

import sys

from minigan.lab import plots
from minigan.lab.summary import markdown
from minigan.lab.vanishing import QUICK, picture, table, vanishing_gradients

# Pictures of a spot of light lie on a thin surface in the space of all pictures, and so do those that a generator
# makes. Two thin surfaces hardly meet: there is a discriminator that is never wrong, D = 1 on one and 0 on the other.
#
# So train a plain GAN, stop the generator after three budgets of training, and let a fresh discriminator learn
# against it. With its logit s, D = σ(s), and J = ∂G/∂θ, D → 0 on the fakes:
#
#     ∇θ E log(1 − D(G(z)))  =  −E [D ∇s J]        → 0      the loss of the minimax game saturates,
#     ∇θ E [−log D(G(z))]    =  −E [(1 − D) ∇s J]  grows    with ‖∇s‖, as s gets steep: help, and noise,
#     ∇θ E [−f(G(z))]        =  −E [∇f J]          stays    as ‖∇f‖ ≈ 1, however good the critic is.
found = vanishing_gradients(**({} if "--full" in sys.argv else QUICK))

print(markdown(table(found)))
print(f"The discriminators estimate JS = {found['js'][..., -1].mean():.4f} nats: log 2 is certainty.")
plots.save(picture(found), "vanishing_gradient.png")
print("See vanishing_gradient.png.")
