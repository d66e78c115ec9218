"""The graph network in torch: two GATv2 layers, for training only.

What a trained network answers is computed by :mod:`.inference`, which needs no torch; a test holds
both together. torch and torch-geometric are imported inside the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.circuit_breakers.tuning.features import COLUMNS, Floats
from protection.circuit_breakers.tuning.graph import WIDTH
from protection.circuit_breakers.tuning.har import LEVELS
from protection.circuit_breakers.tuning.inference import HEADS, HIDDEN, SHAPES
from protection.contracts.errors import FixInput


class TorchMissing(ImportError):
    """Training needs torch and torch-geometric; the answer says how to get them."""


def build(seed: int) -> Any:
    """Return a fresh network of double precision.

    Raises
    ------
    TorchMissing
        Where torch or torch-geometric is not installed.
    """
    try:
        import torch
        from torch import nn
        from torch_geometric.nn import GATv2Conv
    except ImportError as error:
        raise TorchMissing(
            "expected torch and torch-geometric to train the graph network, found neither; "
            "`pip install torch torch-geometric`, or use the HAR model, which needs neither"
        ) from error

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = GATv2Conv(WIDTH, HIDDEN, heads=HEADS, add_self_loops=False)
            self.second = GATv2Conv(HEADS * HIDDEN, HIDDEN, heads=1, add_self_loops=False)
            self.asset = nn.Linear(HIDDEN + len(COLUMNS), len(LEVELS))
            self.exchange = nn.Linear(HIDDEN, len(LEVELS))
            self.book = nn.Linear(HIDDEN, len(LEVELS))

        def forward(self, nodes: Any, index: Any, rows: Any) -> dict[str, Any]:
            graphs, total, _ = nodes.shape
            count = rows.shape[1]
            flat = nodes.reshape(graphs * total, WIDTH)
            hidden = nn.functional.elu(self.first(flat, index))
            hidden = nn.functional.elu(self.second(hidden, index))
            hidden = hidden.reshape(graphs, total, HIDDEN)
            seen = torch.cat((hidden[:, :count], rows), dim=-1)
            return {
                "volatility": _ordered(self.asset(seen)),
                "latency": _ordered(self.exchange(hidden[:, count])),
                "imbalance": _ordered(self.book(hidden[:, count + 1])),
            }

    def _ordered(raw: Any) -> Any:
        steps = nn.functional.softplus(raw[..., 1:])
        return torch.cat((raw[..., :1], raw[..., :1] + torch.cumsum(steps, dim=-1)), dim=-1)

    torch.manual_seed(seed)
    network = Network()
    with torch.no_grad():
        # start as a regression without the graph: the layers add only what they learn to add
        network.asset.weight[:, :HIDDEN] *= 0.1
    return network.double()


def edge_index(edges: NDArray[np.bool_], graphs: int) -> Any:
    """Return the (2, E) index of ``graphs`` copies of one graph, sender first."""
    import torch

    hearing, sending = np.nonzero(edges)
    offset = np.arange(graphs)[:, None] * len(edges)
    pairs = np.stack(((sending + offset).ravel(), (hearing + offset).ravel()))
    return torch.from_numpy(pairs)


def weights_of(network: Any) -> dict[str, Floats]:
    """Return the parameters as arrays, by the names of :data:`.inference.SHAPES`."""
    found = {name: value.detach().numpy().copy() for name, value in network.state_dict().items()}
    return {name: np.asarray(found[name], dtype=float) for name in SHAPES}


@dataclass(frozen=True, slots=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    epochs : passes over the training graphs
    batch : graphs per step
    rate : step of AdamW
    decay : weight decay
    stride : every which observation becomes a graph
    seed : of the first weights and the order of the graphs
    """

    epochs: int = 8
    batch: int = 64
    rate: float = 3e-3
    decay: float = 1e-3
    stride: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """Graphs over time that share their edges.

    Attributes
    ----------
    nodes : (T, N + 3, 8)
    rows : (T, N, 4)
    edges : (N + 3, N + 3)
    volatility : (T, N) targets, NaN where unknown
    latency, imbalance : (T,) targets, NaN where unknown
    """

    nodes: Floats
    rows: Floats
    edges: NDArray[np.bool_]
    volatility: Floats
    latency: Floats
    imbalance: Floats


def train(panel: Panel, training: Training) -> dict[str, Floats]:
    """Fit a network to a panel by the sum of pinball losses of all known targets.

    The panel must hold only what is known at the time of training: leave out the last period.

    Returns
    -------
    Parameters for :func:`.inference.forward`.
    """
    network = build(training.seed)
    import torch

    # graphs this small are slower on many threads, and one thread adds up in one order
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _fit(network, panel, training)
    finally:
        torch.set_num_threads(threads)


def _fit(network: Any, panel: Panel, training: Training) -> dict[str, Floats]:
    import torch

    known = np.flatnonzero(
        np.isfinite(panel.volatility).any(axis=1) & np.isfinite(panel.nodes).all(axis=(1, 2))
    )[:: training.stride]
    if len(known) < training.batch:
        raise FixInput(
            f"expected at least {training.batch} graphs with a known target, was {len(known)}; "
            "use a longer history or a smaller batch"
        )
    rng = np.random.default_rng(training.seed)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=training.rate, weight_decay=training.decay
    )
    batches = len(known) // training.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=training.rate, total_steps=training.epochs * batches
    )
    index = edge_index(panel.edges, training.batch)
    levels = torch.tensor(LEVELS, dtype=torch.float64)

    def loss(answer: Any, target: Any) -> Any:
        seen = torch.isfinite(target)
        if not bool(seen.any()):
            return torch.zeros((), dtype=torch.float64)
        rest = target[seen][:, None] - answer[seen]
        return torch.maximum(levels * rest, (levels - 1.0) * rest).mean()

    for _ in range(training.epochs):
        order = rng.permutation(known)
        for number in range(batches):
            chosen = order[number * training.batch : (number + 1) * training.batch]
            nodes = torch.from_numpy(panel.nodes[chosen])
            rows = torch.from_numpy(panel.rows[chosen])
            answer = network(nodes, index, rows)
            total = loss(answer["volatility"], torch.from_numpy(panel.volatility[chosen]))
            total = total + loss(answer["latency"], torch.from_numpy(panel.latency[chosen]))
            total = total + loss(answer["imbalance"], torch.from_numpy(panel.imbalance[chosen]))
            optimiser.zero_grad()
            total.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return weights_of(network)
