r"""
The better the discriminator, the worse the gradient
====================================================

Pictures of a spot of light lie on a thin surface in the space of all pictures, and so do those that a generator makes.
Two thin surfaces hardly meet: there is a discriminator that is never wrong. So train a plain GAN, stop the generator
after three budgets, and let a fresh discriminator learn against it. With its logit :math:`s`, :math:`D = \sigma(s)`,
and :math:`J = \partial G/\partial\theta`,

.. math:: \nabla_\theta E \log(1 - D(G(z))) &= -E[D\, \nabla s\, J] \quad \to 0 \text{: the minimax game saturates,} \\
          \nabla_\theta E[-\log D(G(z))] &= -E[(1 - D)\, \nabla s\, J] \quad \text{grows with } \|\nabla s\| \text{,} \\
          \nabla_\theta E[-f(G(z))] &= -E[\nabla f\, J] \quad \text{stays, as } \|\nabla f\| \approx 1 \text{.}

Look at how the three move on one logarithmic axis while the adversary learns.

``python demos/vanishing_gradient.py`` is a small size, a few seconds; with ``--full``, 10 seeds, as on
docs/vanishing.md: two minutes on a free core.

In the notes: `xu`, `weng`. Arjovsky & Bottou (2017), theorem 2.4, figures 2 and 3. Claims G6, G10.
"""
import sys

import matplotlib.pyplot as plt

from minigan.lab.picture import save_picture
from minigan.studies.summary import markdown
from minigan.studies.vanishing import QUICK, draw_vanishing, vanishing_gradients, vanishing_table

found = vanishing_gradients(**({} if "--full" in sys.argv else QUICK))

print(markdown(vanishing_table(found)))
print(f"The discriminators estimate JS = {found['js'][..., -1].mean():.4f} nats: log 2 is certainty.")
save_picture(draw_vanishing(found, plt.figure(layout="constrained")), "vanishing_gradient.png")
print("See vanishing_gradient.png.")
