"""Why a network may do better on images it never saw: learning is made harder than measuring."""

from accel.network import Dropout, Network
from accel.train.settings import Settings


def hindrances(network: Network, settings: Settings) -> list[str]:
    """What stands in a network's way only while it learns, in words."""
    found = []
    if settings.jitter:
        found.append(f"images turned, stretched and moved at random (jitter {settings.jitter:g})")
    rates = [node.layer.rate for node in network.nodes if isinstance(node.layer, Dropout)]
    rates = sorted({rate for rate in rates if rate})
    if rates:
        shares = ", ".join(f"{rate:.0%}" for rate in rates)
        found.append(f"parts of layers left out at random (dropout {shares})")
    return found


def why_below(network: Network, settings: Settings, history: list[dict]) -> str:
    """Why training accuracy lies below held-back accuracy in the last epoch; "" if it does not.

    Said only where something made learning harder: without, it is chance, or that an epoch's
    accuracy is counted while the weights still improve.
    """
    last, found = history[-1], hindrances(network, settings)
    if not found or last["accuracy"] >= last["held_back_accuracy"]:
        return ""
    return (
        "training accuracy lies below held-back accuracy because it is counted while learning, "
        f"with {' and '.join(found)}; held-back images meet the whole network as they are"
    )
