"""Products of tensors of any number of axes, each by one ``matmul`` of matrices."""

from typing import Any

from minigan.autodiff import primitives
from minigan.autodiff.functions import as_tensor, expand_dims, first_tensor, ravel, reshape, transpose
from minigan.autodiff.primitive import python_numbers
from minigan.autodiff.tensor import Tensor, named

# what ``minigan.autodiff`` shows
__all__ = ["dot", "einsum", "matmul", "outer"]


@named
def matmul(a: Any, b: Any, ta: bool = False, tb: bool = False) -> Tensor:
    """A B on the last two axes, A = aᵀ if ``ta`` else a, B = bᵀ if ``tb`` else b; a vector is a row a or a column b.

    Raises ValueError if the inner sizes differ, or for a number, which is no matrix.
    """
    a, b = _beside(a, b)
    if a.ndim >= 2 and b.ndim >= 2:
        return primitives.matmul(a, b, ta=ta, tb=tb)
    if not (a.ndim and b.ndim) or (ta and a.ndim == 1) or (tb and b.ndim == 1):
        raise ValueError("matmul wants vectors or matrices, and transposes matrices only; "
                         f"got shapes {a.shape}, {b.shape}")
    if a.shape[-2 if ta else -1] != b.shape[-1 if tb or b.ndim == 1 else -2]:
        raise ValueError(f"matmul: inner sizes of shapes {a.shape} and {b.shape} differ")
    row, column = a.ndim == 1, b.ndim == 1
    y = primitives.matmul(expand_dims(a, 0) if row else a, expand_dims(b, 1) if column else b, ta=ta, tb=tb)
    shape = y.shape[:-1] if column else y.shape
    return reshape(y, shape[:-1] if row and column else (*shape[:-2], shape[-1]) if row else shape)


@named
def dot(a: Any, b: Any) -> Tensor:
    """Σ_k a_k b_k of vectors, A B of matrices, a number times anything."""
    a, b = _beside(a, b)
    if not (a.ndim and b.ndim):
        return a * b
    if a.ndim > 2 or b.ndim > 2:
        raise ValueError(f"dot of shapes {a.shape} and {b.shape}: say which axes are meant, by matmul or einsum")
    return matmul(a, b)


@named
def outer(a: Any, b: Any) -> Tensor:
    """a_i b_j of all entries of both."""
    a, b = _beside(a, b)
    return expand_dims(ravel(a), 1) * expand_dims(ravel(b), 0)


@named
def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Σ over the letters that the result has not, as ``numpy.einsum``: "ij,jk->ik" is a product of matrices.

    Operands are multiplied from the left, two at a time, each time by one ``matmul``. ``...`` stands for the axes
    without a letter. Raises ValueError for a letter twice in one operand (a diagonal), and where letters and shapes
    do not agree.
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum wants its letters first, as in 'ij,jk->ik'; got {type(subscripts).__name__}")
    tensors = _beside(*operands)
    terms, result = _letters(subscripts.replace(" ", ""), [x.ndim for x in tensors])
    size: dict[str, int] = {}
    for term, x in zip(terms, tensors, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            if size.setdefault(letter, n) != n:
                raise ValueError(f"einsum {subscripts!r}: {letter!r} is {size[letter]} and {n} long")
    if set(result) - set(size):
        raise ValueError(f"einsum {subscripts!r}: {''.join(sorted(set(result) - set(size)))!r} is in no operand")
    while len(terms) > 1:
        (a, b), keep = terms[:2], set(result).union(*terms[2:])
        term, y = _contract(a, tensors[0], b, tensors[1], keep)
        terms, tensors = [term, *terms[2:]], [y, *tensors[2:]]
    term, y = _summed(terms[0], tensors[0], set(result))
    return transpose(y, tuple(term.index(letter) for letter in result)) if result else y


def _letters(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each operand, and of the result; an ellipsis is spelled out in capitals from the end."""
    given, arrow, result = subscripts.partition("->")
    terms = given.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum {subscripts!r} is of {len(terms)} operands, got {len(ranks)}")
    rest = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    spare = [chr(c) for c in range(0x3B1, 0x3B1 + max([*rest, 0]))]  # Greek letters, which nobody writes here
    for k, (term, n, rank) in enumerate(zip(terms, rest, ranks, strict=True)):
        if n < 0 or (n and "..." not in term):
            raise ValueError(f"einsum {subscripts!r}: {term!r} names {rank - n} axes, and operand {k} has {rank}")
        terms[k] = term.replace("...", "".join(spare[len(spare) - n :]))
    if not arrow:
        seen = "".join(terms)
        result = "".join(spare) + "".join(sorted(c for c in set(seen) - set(spare) if seen.count(c) == 1))
    result = result.replace("...", "".join(spare))
    for term in [*terms, result]:
        if len(set(term)) < len(term):
            raise ValueError(f"einsum {subscripts!r}: a letter twice in {term!r}; take the diagonal by an index")
    return terms, result


def _contract(a: str, x: Tensor, b: str, y: Tensor, keep: set[str]) -> tuple[str, Tensor]:
    """Two operands to one: the letters of both that are kept, of x alone, of y alone; the other common ones summed."""
    a, x = _summed(a, x, keep | set(b))
    b, y = _summed(b, y, keep | set(a))
    batch = [c for c in a if c in b and c in keep]
    inner = [c for c in a if c in b and c not in keep]
    left, right = [c for c in a if c not in b], [c for c in b if c not in a]
    size = dict(zip(a, x.shape, strict=True)) | dict(zip(b, y.shape, strict=True))
    product = primitives.matmul(_matrices(a, x, batch, left, inner), _matrices(b, y, batch, inner, right))
    letters = [*batch, *left, *right]
    return "".join(letters), reshape(product, tuple(size[c] for c in letters))


def _matrices(term: str, x: Tensor, *groups: list[str]) -> Tensor:
    """x as a stack of matrices: each group of letters one axis."""
    order = [term.index(c) for group in groups for c in group]
    lengths = dict(zip(term, x.shape, strict=True))
    shape = [1, 1, 1]
    for k, group in enumerate(groups):
        for c in group:
            shape[k] *= lengths[c]
    return reshape(transpose(x, tuple(order)) if order else x, tuple(shape))


def _summed(term: str, x: Tensor, keep: set[str]) -> tuple[str, Tensor]:
    """x summed over the letters that nobody needs any more."""
    gone = tuple(k for k, letter in enumerate(term) if letter not in keep)
    return "".join(c for c in term if c in keep), x.sum(gone) if gone else x


def _beside(*xs: Any) -> list[Tensor]:
    """The operands as tensors; numbers in the dtype of the tensors among them."""
    like = first_tensor(xs)
    return [as_tensor(x, like if python_numbers(x) else None) for x in xs]
