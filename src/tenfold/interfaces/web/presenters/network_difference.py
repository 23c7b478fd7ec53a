"""A network against another: a version of its own, what it came from, or any other."""

from __future__ import annotations

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import NotFound
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.difference import LayerChange
from tenfold.core.networks.matching import Loaded
from tenfold.core.networks.network import NamedText
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import count, plural
from tenfold.interfaces.web.presenters.networks import shape_text, title
from tenfold.interfaces.web.views.networks import ChangedLayer, DifferenceView

OFFERED_VERSIONS = 50
SHOWN_LINES = 2000
SHOWN_LAYERS = 500


def difference_view(
    services: Services, actor: Actor, entry: NamedText, against: str, *, draft: str | None = None
) -> DifferenceView:
    """The text of `entry`, or a `draft` of it, against `@3` of its own versions, `origin`, or the network of a name."""
    options = _options(services, actor, entry, is_draft=draft is not None)
    known = [value for value, _ in options]
    wanted = against if against and (against in known or not known) else (known[0] if known else "")
    if not wanted:
        raise NotFound("There is no other network to compare with.", code="network.not-found")
    name = entry.name if entry.version is None else f"{entry.name}@{entry.version.number}"
    found = services.network_copies.difference(actor, name, wanted, text=draft).found
    return DifferenceView(
        against=wanted,
        title=dict(options).get(wanted, wanted),
        options=options,
        lines=found.lines[:SHOWN_LINES],
        layers=tuple(_layer(change) for change in found.layers[:SHOWN_LAYERS]),
        kept=_kept(found.weights) if found.weights is not None else "",
        why_not="" if found.weights is not None else _why_not(entry),
    )


def _why_not(entry: NamedText) -> str:
    if is_python(entry.text):
        return "Networks of Python are compared by their lines."
    return "Layers are compared where both texts fit: mend the mistakes first."


def _kept(fits: Loaded) -> str:
    total = len(fits.loaded) + len(fits.missing) + len(fits.unfit)
    kept = f"{count(len(fits.loaded))} of {plural(total, 'tensor')} can be taken from weights of it"
    if fits.unfit:
        kept += f"; {', '.join(each.path for each in fits.unfit[:4])}{' and more' if len(fits.unfit) > 4 else ''}"
        kept += " would have another shape"
    return kept


def _options(services: Services, actor: Actor, entry: NamedText, *, is_draft: bool) -> tuple[tuple[str, str], ...]:
    """What can be chosen, the nearest first: versions, what it came from, all other networks."""
    options: list[tuple[str, str]] = []
    network, version = entry.network, entry.version
    if network is not None and version is not None:
        numbers = [number for number in range(network.number, 0, -1) if number != version.number]
        before = [number for number in numbers if number < version.number][:1]
        if is_draft:
            options.append((f"@{version.number}", f"version {version.number}, which it was made from"))
        options += [(f"@{number}", f"version {number}") for number in (*before, *numbers[:OFFERED_VERSIONS])]
        origin = services.network_copies.origin_name(actor, network)
        if origin and not origin.startswith("file:") and "gone" not in origin:
            first = ("origin", f"what it came from ({origin.partition(':')[2]})")
            options.insert(0 if network.number == 1 and not is_draft else len(options), first)
    elif is_draft:
        options.append((entry.name, f"{title(entry.name)} as it ships"))
    others = services.networks.choices(actor, drafts=True)
    options += [(each.name, title(each.name)) for each in others if each.name != entry.name]
    return tuple(dict.fromkeys(options))


def _layer(change: LayerChange) -> ChangedLayer:
    old, new = change.old, change.new
    return ChangedLayer(
        path=change.path,
        what=change.what,
        old=shape_text(old.shape) if old else "",
        new=shape_text(new.shape) if new else "",
        old_parameters=old.parameters if old else 0,
        new_parameters=new.parameters if new else 0,
    )
