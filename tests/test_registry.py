"""Names lead to classes, options are read and refused in one line."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from twinset import registry
from twinset.errors import InputError


def test_names_are_known_without_an_import() -> None:
    code = (
        "import sys; from twinset import registry\n"
        "assert 'cart' in registry.names('generators')\n"
        "sys.exit('twinset.generators.cart' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_are_read_as_yaml() -> None:
    cart = registry.configure("generators", "cart", {"leaf": "20", "order": "[a, b]"})
    assert (cart.leaf, cart.order) == (20, ["a", "b"])
    assert registry.configure("generators", "cart", {"smoothing": "1.5"}).smoothing == 1.5


@pytest.mark.parametrize(
    ("name", "options", "say"),
    [
        ("carts", {}, "generator 'carts' is not known; allowed: bootstrap, cart"),
        ("cart", {"leafs": "5"}, "option 'leafs' of cart; allowed: leaf"),
        ("cart", {"leaf": "0"}, "option leaf of cart"),
        ("cart", {"smoothing": "null"}, "option 'smoothing' of cart"),
        ("cart", {"rate": "much"}, "option 'rate' of cart"),
        ("cart", {"order": "[a"}, "option 'order' of cart; got line 1: "),
        ("cart", {"order": "[&a x, *a]"}, "got aliases are not allowed"),
        ("cart", {"order": "2020-13-45"}, "allowed: YAML without aliases"),
        ("bootstrap", {"leaf": "5"}, "allowed: no options"),
    ],
)
def test_a_mistake_is_one_line(name: str, options: dict[str, str], say: str) -> None:
    with pytest.raises(InputError) as caught:
        registry.configure("generators", name, options)
    assert say in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plug_in_that_cannot_be_imported_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("broken", "no_such_package.module:Broken", "twinset.metrics")
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    with pytest.raises(InputError, match=r"metric 'broken'.*ModuleNotFound.*no_such_package"):
        registry.load("metrics", "broken")
    shown = dict(registry.describe("metrics"))
    assert "cannot be imported" in shown["broken"]
    assert "AUC" in shown["c2st"]


def test_a_measure_as_a_function_of_two_columns() -> None:
    import numpy as np
    from scipy.stats import ks_2samp

    import twinset as ts

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=500), rng.normal(0.3, 1, size=400)
    assert ts.metric("ks")(a, b) == pytest.approx(ks_2samp(a, b).statistic)
    with pytest.raises(InputError, match=r"allowed: .*ks"):
        ts.metric("nope")(a, b)
