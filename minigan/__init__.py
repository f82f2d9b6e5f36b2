"""minigan: the mathematics of GANs, runnable. A table of contents.

    >>> import minigan
    >>> gan = minigan.GAN("wgan-gp", seed=0, steps=200).fit("ring8")
    >>> gan.sample(1000).shape
    (1000, 2)

Where to find what the notes write down:

0. Arrays: which library, which device, which random stream ....................... arrays.py
   a row by its name: a taken name is refused, a misspelt one answered ............ registry.py
I. The calculus
   a value and how it was computed: the record that is the program ................ autodiff/tensor.py
   what an operation is; each of them beside its derivative rule .................. autodiff/primitive.py, primitives.py
   which call of the array library computes it: what makes one call fast .......... autodiff/kernels.py
   comparisons, powers, other shapes; sums, variances, norms ...................... autodiff/functions.py, reductions.py
   products of any axes; t[key] ................................................... autodiff/products.py, indexing.py
   what NumPy's functions do on a tensor .......................................... autodiff/numpy_functions.py
   ∂y/∂x by reverse mode, of any order; Hessian and Jacobian products ............. autodiff/grad.py
   record a step once, run it many times ........ autodiff/replay/record.py, given.py, graph.py, run.py
   where its values lie: live ranges, a linear scan, cache blocking . autodiff/replay/plan.py, places.py, buffers.py
   is a derivative right? orders 1 and 2, in random directions ......... autodiff/check.py, slopes.py
II. The players
   θ as one flat vector, layers as its views ...................................... nets/params.py
   hₗ = φ(hₗ₋₁Wₗ + bₗ), maxout; He, Xavier and orthogonal beginnings .............. nets/mlp.py
   batch, layer and virtual batch norm ............................................ nets/norm.py
   o(xᵢ) = Σⱼ exp(−‖Mᵢ − Mⱼ‖₁): minibatch discrimination ........................... nets/minibatch.py
   a mixture of generators ........................................................ nets/ensemble.py
   x = μ + Lz, whose density is known ............................................. nets/gaussian.py
   gradient descent, momentum (Nesterov's too), RMSProp, Adam, optimistic steps ... nets/optim.py
III. Distances, without any training
   f, f′, f* and the activation of each f-divergence, a row each ....... theory/fdivergence.py, family.py
   D_f = ∫ q f(p/q); E_P T − E_Q f*(T) ≤ D_f; JS in both conventions; f*, f** ..... theory/divergences.py,
                                                                                        theory/conjugates.py
   D* = p/(p + q), V(D*, G) = 2 JS − 2 log 2, LSGAN's and the smoothed optimum .... theory/optimal.py
   W_p on the line and along directions; a plan and the prices that prove it ...... theory/line.py, plans.py
   the exact optimum: assignment, or the network simplex in whole numbers ......... theory/program.py, simplex.py
   min ⟨C, Γ⟩ + ε KL(Γ ‖ a bᵀ), by scaling; all of transport by name .............. theory/entropic.py, transport.py
   Lipschitz constants, Kantorovich potentials, power iteration: v ← Wᵀu, u ← Wv ... theory/lipschitz.py
   the xy game and Dirac-GAN under every method; their Jacobians . theory/scalar_games.py, dynamics.py
   moment matching against mode seeking; Gaussians in closed form, Bures' W₂ ...... theory/fits.py
   ∫ and argmax on the line; of densities of any width; what is left at a singularity .... theory/quadrature.py,
                                                                                theory/densities.py, theory/tails.py
   lists and arrays as numbers; masked entries, text and tensors refused ........... theory/numbers.py
IV. The games
   every loss by name ............................................................. gans/losses/table.py
   what a loss is, what it looks at, how outputs become a score, what it says ..... gans/losses/loss.py,
                                                                                    critic_output.py, heads.py,
                                                                                    distance.py
   E log D(x) + E log(1 − D(G(z))), −E log D; least squares, W₁, hinge ............ gans/losses/scores.py
   E T(x) − E f*(T(G(z))) for every f ............................................. gans/losses/f_gan.py
   EBGAN's energy and its pull-away term .......................................... gans/losses/energy.py
   a fake's loss exceeds the datum's by their distance ............................ gans/losses/loss_sensitive.py
   −E log σ(s(x) − s(G(z))), paired and average ................................... gans/losses/relativistic.py
   K classes and a fake one ....................................................... gans/losses/semi_supervised.py
   ‖E f(x) − E f(G(z))‖²; IMLE .................................................... gans/losses/matching.py
   −E log q, and KL(q‖p) .......................................................... gans/losses/likelihood.py
   w ← clip(w, −c, c); λ E (‖∇f(x̂)‖ − 1)², one-sided, DRAGAN, R1, R2 .............. gans/lipschitz.py
   W/σ(W), σ by power iteration ................................................... gans/spectral.py
   two networks and a loss: what each player minimises; packs, instance noise ..... gans/game.py
   a step of either player: unrolling, consensus, extra-gradient, averages ........ gans/players.py
   a system is a row; rows of your own ............................................ gans/recipes.py, register.py
   what does not go together, and why ............................................. gans/conflicts.py
V. One run
   8 Gaussians on a ring, grids, moons, rolls, the line; exact densities .......... lab/toys.py
   your own points: arrays, lists, data frames, tensors ........................... lab/table.py
   from a file, whoever wrote it; what looks odd in them .......................... lab/read.py, text.py, describe.py
   it, a toy or a sampler, some rows held out, centred and scaled ................. lab/data.py, scaling.py
   every setting of a run; how much memory it takes ............................... lab/config.py, memory.py
   algorithms 1 and 2 of the notes ................................................ lab/train.py
   their recorded steps; the batches that each draws; what they start from ........ lab/steps.py, batches.py, state.py
   what is measured on the way; signs that a run goes wrong, and what to try ...... lab/history.py, signs.py
   a trained pair: samples, scores, slopes, in data units ......................... lab/model.py
   modes, quality, KL over modes, exact W₁ and its sampling floor ................. lab/metrics.py
   what samples are measured against, fresh data and noise; learning by heart ..... lab/reference.py
   the table of a finished run, whether to trust it; W₁ by the critic alone ....... lab/report.py
   its picture, panel by panel; axes for any numbers .............................. lab/picture.py, clouds.py,
                                                                                    curves.py, view.py, style.py
   the run folder: checkpoints, resuming .......................................... lab/run.py
   its files: whole or not at all, and the same bytes for the same seed ........... lab/checkpoint.py
   all of it as one estimator ..................................................... lab/estimator.py
VI. Many runs
   published set-ups by name, and what was published of them ...................... studies/presets.py
   several systems, several seeds: the plan, and carrying it out .................. studies/design.py, study.py
   the interval of a mean over seeds .............................................. studies/intervals.py
   one table, one picture, one page ............................................... studies/summary.py, picture.py,
                                                                                    page.py
   ‖∇_θ L_G‖ against a critic that learns afresh .................................. studies/vanishing.py
VII. Devices
   does everything work on this device? ........................................... devices/selfcheck.py
   every primitive: inputs, what it should compute, how exact; beside the host's .. devices/primitives.py, compare.py
   trainings beside NumPy's, and their time ....................................... devices/trainings.py
The claims: every equation of the notes, computed, checked against another route .. claims/
Checkers for your own formulas, and Hypothesis strategies ......................... testing/
The program `minigan` ............................................................. cli/
"""

__version__ = "0.1.0"  # pyproject.toml reads it here

from minigan.lab.estimator import GAN

__all__ = ["GAN", "__version__"]
