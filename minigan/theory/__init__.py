"""III. Distances, without any training: what the notes write down, for laws whose densities are known."""

from minigan.theory import divergences, dynamics, fits, lipschitz, optimal, quadrature, transport
from minigan.theory.divergences import *  # noqa: F403
from minigan.theory.dynamics import *  # noqa: F403
from minigan.theory.fits import *  # noqa: F403
from minigan.theory.lipschitz import *  # noqa: F403
from minigan.theory.optimal import *  # noqa: F403
from minigan.theory.quadrature import *  # noqa: F403
from minigan.theory.transport import *  # noqa: F403

# each file says in its own __all__ what is shown
__all__: list[str] = []
__all__ += divergences.__all__
__all__ += dynamics.__all__
__all__ += fits.__all__
__all__ += lipschitz.__all__
__all__ += optimal.__all__
__all__ += quadrature.__all__
__all__ += transport.__all__
