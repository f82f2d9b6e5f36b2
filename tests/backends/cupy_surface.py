"""What CuPy's modules and arrays have, as a table: names, kinds, parameters. `double/` refuses whatever is not in it.

    python tests/backends/cupy_surface.py --write      in an environment with the wheel: writes cupy_surface.json
    python tests/backends/cupy_surface.py              prints the same

The wheel imports without a GPU. An entry is its kind, then what there is to say:

    "function a, axis=0, *, out=0"     parameters as Python writes them; every default is 0, which only says that
                                       there is one
    "ufunc 2 1 at reduce"              numbers of inputs and outputs, and which of its methods are not refused
    "gufunc 2 1 *args, out=0"
    "class", "module", "constant", "attribute"
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("cupy_surface.json")
MODULES = ("cupy", "cupy.linalg", "cupy.random", "cupy.lib.stride_tricks")
# Each is called with nothing but None: CuPy says NotImplementedError before it looks at its arguments.
UFUNC_METHODS = {"accumulate": 1, "at": 3, "outer": 2, "reduce": 1, "reduceat": 2}


def surface() -> dict[str, Any]:
    """The table of the CuPy that is installed."""
    import cupy

    modules = {name: sys.modules[name] for name in MODULES}
    classes = {"ndarray": cupy.ndarray, "ufunc": cupy.ufunc, "Flags": sys.modules["cupy._core.flags"].Flags,
               "Generator": cupy.random.Generator}
    return {
        "version": cupy.__version__,
        "modules": {name: {key: entry(getattr(module, key)) for key in _public(module)}
                    for name, module in modules.items()},
        "classes": {name: {key: entry(getattr(kind, key), method=True) for key in _public(kind)}
                    for name, kind in classes.items()},
    }


def _public(owner: Any) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_") and name != "annotations")


def entry(x: Any, method: bool = False) -> str:
    """The kind of an object and, if it can be called, how."""
    kind = type(x).__name__
    if kind == "ufunc":
        return " ".join(["ufunc", str(x.nin), str(x.nout), *filter(lambda name: _has(x, name), UFUNC_METHODS)])
    if kind == "_GUFunc":
        return f"gufunc {x._nin} {x._nout} {parameters(x)}"
    if isinstance(x, type):
        return "class"
    if callable(x):
        return f"function {parameters(x, method)}".rstrip()
    if inspect.ismodule(x):
        return "module"
    return "attribute" if method else "constant"


def _has(ufunc: Any, method: str) -> bool:
    try:
        getattr(ufunc, method)(*[None] * UFUNC_METHODS[method])
    except NotImplementedError:
        return False
    except Exception:  # whatever it makes of None: it has got past the refusal
        return True
    return True


def parameters(function: Any, method: bool = False) -> str:
    """The parameters as Python writes them, without `self`; Cython's are in the first line of a docstring."""
    try:
        written = [_plain(p) for p in inspect.signature(function).parameters.values()]
        stars = [k for k, p in enumerate(inspect.signature(function).parameters.values())
                 if p.kind is p.KEYWORD_ONLY]
        if stars and not any(p.startswith("*") for p in written):
            written.insert(stars[0], "*")
    except (TypeError, ValueError):
        line = (function.__doc__ or "").strip().partition("\n")[0]
        inside = line.partition("(")[2].rpartition(")")[0]  # `take(self, indices, int axis=-1) -> ndarray`
        written = [_untyped(part) for part in inside.split(", ") if part]
    return ", ".join(written[1:] if method and written[:1] == ["self"] else written)


def _plain(p: inspect.Parameter) -> str:
    stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    return stars + p.name + ("=0" if p.default is not p.empty else "")


def _untyped(part: str) -> str:
    name, default, _ = part.partition("=")
    return name.split()[-1] + ("=0" if default else "")


def text() -> str:
    return json.dumps(surface(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        TABLE.write_text(text())
    else:
        print(text(), end="")
