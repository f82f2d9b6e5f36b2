"""D: the divergences of the notes, in nats unless said otherwise. What is on trial is of ``minigan.theory``.

``atoms.py`` each one's own sum, the other route to it · ``kl_and_js.py`` D1–D4, D15–D17 · ``family.py`` D5, D6, D12 ·
``conjugates.py`` D7–D11 · ``fits.py`` D13, D14.
"""

from minigan.claims.divergences import conjugates, family, fits, kl_and_js

__all__ = ["conjugates", "family", "fits", "kl_and_js"]
