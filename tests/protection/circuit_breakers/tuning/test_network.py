"""The graph network: torch and NumPy agree; attention has the properties of the paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.tuning import weights as on_disk
from protection.circuit_breakers.tuning.graph import (
    MarketState,
    RegimeFilter,
    listening,
    node_features,
)
from protection.circuit_breakers.tuning.har import HarQuantile
from protection.circuit_breakers.tuning.inference import SHAPES, forward
from protection.circuit_breakers.tuning.network import Training, build, train, weights_of
from protection.circuit_breakers.tuning.training import aligned, daily_tables, graph_panel

SHIPPED = Path(on_disk.__file__).parent / "weights"


def some_weights(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: 0.5 * rng.standard_normal(shape) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("assets", [1, 3, 20])
def test_numpy_twin_equals_torch_geometric(assets: int) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch_geometric")
    from protection.circuit_breakers.tuning.network import edge_index

    rng = np.random.default_rng(assets)
    network = build(seed=3)
    rows = rng.standard_normal((2, assets, 4))
    edges = listening(np.atleast_2d(np.corrcoef(rng.standard_normal((assets, 60)))))
    nodes = node_features(rows, MarketState(1.0, 0.5, 0.2, True, 0.3, 0.1, True))
    with torch.no_grad():
        answer = network(torch.from_numpy(nodes), edge_index(edges, 2), torch.from_numpy(rows))
    for graph in range(2):
        twin = forward(weights_of(network), nodes[graph], edges, rows[graph])
        for name, value in twin.items():
            np.testing.assert_allclose(value, answer[name][graph].numpy(), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000))
def test_names_of_assets_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((6, 4))
    edges = listening(np.corrcoef(rng.standard_normal((6, 50))))
    order = rng.permutation(6)
    whole = np.concatenate((order, [6, 7, 8]))
    weights = some_weights(seed)
    one = forward(weights, node_features(rows, MarketState()), edges, rows)
    other = forward(
        weights, node_features(rows[order], MarketState()), edges[np.ix_(whole, whole)], rows[order]
    )
    np.testing.assert_allclose(one["volatility"][order], other["volatility"], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000))
def test_quantiles_never_cross(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = 3.0 * rng.standard_normal((4, 4))
    answer = forward(
        some_weights(seed), node_features(rows, MarketState()), listening(np.eye(4)), rows
    )
    for value in answer.values():
        assert (np.diff(value, axis=-1) >= 0.0).all()


def test_a_node_that_hears_nobody_is_finite() -> None:
    rows = np.ones((2, 4))
    edges = np.zeros((5, 5), dtype=bool)
    answer = forward(some_weights(0), node_features(rows, MarketState()), edges, rows)
    assert all(np.isfinite(value).all() for value in answer.values())


def test_training_learns_what_the_regression_cannot_see() -> None:
    """The volatility of one asset is led by the other: only the graph knows."""
    pytest.importorskip("torch_geometric")
    rng = np.random.default_rng(0)
    leader = np.exp(np.cumsum(0.15 * rng.standard_normal(700)) - 4.0)
    leader = np.clip(leader, 0.002, 0.2)
    shocks = rng.standard_normal((700, 2))
    follower = np.concatenate(([0.01], leader[:-1]))
    returns = np.column_stack((leader * shocks[:, 0], follower * shocks[:, 1]))
    tables = daily_tables(returns, 1)
    rows, base, target = aligned(tables)
    panel = graph_panel(returns, rows, base, target, len(rows) - 1)
    weights = train(panel, Training(epochs=4, batch=32, stride=1))
    again = train(panel, Training(epochs=4, batch=32, stride=1))
    assert all(np.array_equal(weights[name], again[name]) for name in weights)
    known = np.flatnonzero(np.isfinite(target[:, 1]) & np.isfinite(base[:, 1]))
    har = HarQuantile.fit([tables[1]]).forecast(rows[known, 1])[:, 0]
    graph = np.array(
        [forward(weights, panel.nodes[t], panel.edges, rows[t])["volatility"][1, 0] for t in known]
    )
    assert np.abs(target[known, 1] - graph).mean() < np.abs(target[known, 1] - har).mean()


def test_shipped_weights_are_those_of_their_manifest_and_others_are_refused(tmp_path: Path) -> None:
    weights = on_disk.load(SHIPPED, "market")
    assert on_disk.save(tmp_path, "market", weights, {}) == on_disk.save(
        tmp_path, "market", on_disk.load(tmp_path, "market"), {}
    )
    data = bytearray((tmp_path / "market.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "market.npz").write_bytes(bytes(data))
    with pytest.raises(on_disk.WeightsRefused, match="sha256"):
        on_disk.load(tmp_path, "market")
    broken = dict(weights) | {"book.bias": np.array([0.0, np.nan, 1.0])}
    with pytest.raises(on_disk.WeightsRefused, match=r"book\.bias"):
        on_disk.save(tmp_path, "broken", broken, {})


def test_the_regime_is_filtered_and_never_smoothed() -> None:
    rng = np.random.default_rng(1)
    level = np.concatenate((rng.normal(-5, 0.2, 200), rng.normal(-4, 0.2, 200)))
    regime = RegimeFilter.fit(level[:300])
    whole = regime.filtered(level)
    np.testing.assert_array_equal(regime.filtered(level[:250]), whole[:250])
    assert whole[150] < 0.1
    assert whole[350] > 0.9
