"""The graph network in NumPy: what a trained network answers, without torch.

Two GATv2 layers (Brody, Alon and Yahav, How Attentive Are Graph Attention Networks?, ICLR 2022)::

    e_ij = a . LeakyReLU_0.2(W_l x_j + W_r x_i)      alpha_i = softmax over the j that i hears
    x_i' = sum_j alpha_ij W_l x_j + bias             with one softmax per head

then one linear reading per kind of node: the asset nodes give the quantiles of the next period's
log volatility (beside the features of the HAR regression, which reach the reading directly), the
exchange node those of log latency, the book node those of the log imbalance ratio. The first
quantile is free, the others add a softplus, so that quantiles cannot cross.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from protection.circuit_breakers.tuning.features import COLUMNS, Floats
from protection.circuit_breakers.tuning.graph import WIDTH

#: Width of a head and number of heads of the first layer; the second has one head.
HIDDEN, HEADS = 16, 2
_SLOPE = 0.2

#: Shape of every parameter, by the name it has in the torch network.
SHAPES: Mapping[str, tuple[int, ...]] = {
    "first.att": (1, HEADS, HIDDEN),
    "first.bias": (HEADS * HIDDEN,),
    "first.lin_l.weight": (HEADS * HIDDEN, WIDTH),
    "first.lin_l.bias": (HEADS * HIDDEN,),
    "first.lin_r.weight": (HEADS * HIDDEN, WIDTH),
    "first.lin_r.bias": (HEADS * HIDDEN,),
    "second.att": (1, 1, HIDDEN),
    "second.bias": (HIDDEN,),
    "second.lin_l.weight": (HIDDEN, HEADS * HIDDEN),
    "second.lin_l.bias": (HIDDEN,),
    "second.lin_r.weight": (HIDDEN, HEADS * HIDDEN),
    "second.lin_r.bias": (HIDDEN,),
    "asset.weight": (3, HIDDEN + len(COLUMNS)),
    "asset.bias": (3,),
    "exchange.weight": (3, HIDDEN),
    "exchange.bias": (3,),
    "book.weight": (3, HIDDEN),
    "book.bias": (3,),
}


def _gatv2(
    nodes: Floats, edges: NDArray[np.bool_], weights: Mapping[str, Floats], layer: str
) -> Floats:
    attention = weights[f"{layer}.att"][0]
    heads, width = attention.shape
    left = nodes @ weights[f"{layer}.lin_l.weight"].T + weights[f"{layer}.lin_l.bias"]
    right = nodes @ weights[f"{layer}.lin_r.weight"].T + weights[f"{layer}.lin_r.bias"]
    left = left.reshape(-1, heads, width)
    right = right.reshape(-1, heads, width)
    summed = left[None, :] + right[:, None]
    summed = np.where(summed > 0.0, summed, _SLOPE * summed)
    score = np.einsum("ijhw,hw->ijh", summed, attention)
    score = np.where(edges[..., None], score, -np.inf)
    # a node that hears nobody gets the bias alone
    top = score.max(axis=1, keepdims=True)
    share = np.exp(score - np.where(np.isfinite(top), top, 0.0))
    total = share.sum(axis=1, keepdims=True)
    share = share / np.where(total > 0.0, total, 1.0)
    heard = np.einsum("ijh,jhw->ihw", share, left)
    return heard.reshape(len(nodes), heads * width) + weights[f"{layer}.bias"]


def _elu(values: Floats) -> Floats:
    return np.where(values > 0.0, values, np.expm1(np.minimum(values, 0.0)))


def ordered(raw: Floats) -> Floats:
    """Return ascending quantiles: the first as it is, then softplus steps, along the last axis."""
    steps = np.logaddexp(0.0, raw[..., 1:])
    return np.concatenate((raw[..., :1], raw[..., :1] + np.cumsum(steps, axis=-1)), axis=-1)


def forward(
    weights: Mapping[str, Floats], nodes: Floats, edges: NDArray[np.bool_], rows: Floats
) -> dict[str, Floats]:
    """Return the quantiles of one graph.

    Parameters
    ----------
    weights : parameters by the names of :data:`SHAPES`
    nodes : (N + 3, 8) node features
    edges : (N + 3, N + 3), entry (i, j): i listens to j
    rows : (N, 4) features of the assets

    Returns
    -------
    ``volatility`` (N, 3), ``latency`` (3,) and ``imbalance`` (3,).
    """
    hidden = _elu(_gatv2(nodes, edges, weights, "first"))
    hidden = _elu(_gatv2(hidden, edges, weights, "second"))
    count = len(rows)
    seen = np.concatenate((hidden[:count], rows), axis=-1)
    return {
        "volatility": ordered(seen @ weights["asset.weight"].T + weights["asset.bias"]),
        "latency": ordered(hidden[count] @ weights["exchange.weight"].T + weights["exchange.bias"]),
        "imbalance": ordered(hidden[count + 1] @ weights["book.weight"].T + weights["book.bias"]),
    }
