"""A layout that notes what a panel draws, and takes nothing that this Blender's own would not."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from typing import Any

import bpy

from tests.blender.inside.studio import part

_FUNCTIONS = bpy.types.UILayout.bl_rna.functions
_ICONS = set(_FUNCTIONS["label"].parameters["icon"].enum_items.keys())
_INSIDE = ("row", "column", "box", "split", "column_flow")
_ATTRIBUTES = set(bpy.types.UILayout.bl_rna.properties.keys())


@dataclass
class Drawn:
    """One thing that was drawn: a label's text, an operator's or a property's name."""

    kind: str
    name: str
    where: Layout
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Whether it can be used."""
        return self.where.usable


class Layout:
    """One layout and those in it. `drawn` is shared by all of them."""

    def __init__(self, above: Layout | None = None) -> None:
        self.above = above
        self.drawn: list[Drawn] = [] if above is None else above.drawn
        self.enabled = True

    @property
    def usable(self) -> bool:
        """Whether what is in here can be used."""
        return self.enabled and (self.above is None or self.above.usable)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in (*_ATTRIBUTES, "above", "drawn"), f"a layout of this Blender has no {name}"
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name in _INSIDE:
            return lambda **settings: self._inside(name, settings)
        raise AttributeError(name)

    def label(self, **settings: Any) -> None:
        _check("label", settings)
        self._note("label", settings.get("text", ""), settings)

    def prop(self, data: Any, name: str, **settings: Any) -> None:
        _check("prop", settings)
        assert name in data.bl_rna.properties, f"{data} has no {name}"
        self._note("prop", name, settings)

    def prop_search(self, data: Any, name: str, inside: Any, among: str, **settings: Any) -> None:
        _check("prop_search", settings)
        assert name in data.bl_rna.properties
        assert among in inside.bl_rna.properties
        self._note("prop", name, settings)

    def operator(self, name: str, **settings: Any) -> Any:
        _check("operator", settings)
        group, _, own = name.partition(".")
        kind = getattr(getattr(bpy.ops, group), own).get_rna_type()
        given = Given(set(kind.properties.keys()))
        self._note("operator", name, {**settings, "given": given})
        return given

    def menu(self, name: str, **settings: Any) -> None:
        _check("menu", settings)
        assert issubclass(getattr(bpy.types, name), bpy.types.Menu)
        self._note("menu", name, settings)

    def progress(self, **settings: Any) -> None:
        _check("progress", settings)
        assert 0 <= settings["factor"] <= 1
        self._note("progress", settings["text"], settings)

    def template_list(
        self, kind: str, _name: str, data: Any, items: str, owner: Any, active: str, **settings: Any
    ) -> None:
        _check("template_list", settings)
        assert active in owner.bl_rna.properties
        self._note("list", kind, settings)
        listed = getattr(bpy.types, kind)
        rows = list(getattr(data, items))
        if hasattr(listed, "filter_items"):
            stand = types.SimpleNamespace(bitflag_filter_item=1)
            shown, order = listed.filter_items(stand, bpy.context, data, items)
            assert sorted(order) == list(range(len(rows)))
            rows = [rows[index] for index in sorted(range(len(rows)), key=order.__getitem__) if shown[index]]
        for index, row in enumerate(rows):
            listed.draw_item(None, bpy.context, Layout(self), data, row, 0, owner, active, index)

    def _inside(self, name: str, settings: dict[str, Any]) -> Layout:
        _check(name, settings)
        return Layout(self)

    def _note(self, kind: str, name: str, data: dict[str, Any]) -> None:
        self.drawn.append(Drawn(kind, name, self, data))


class Given:
    """What an operator's button will call it with."""

    def __init__(self, known: set[str]) -> None:
        object.__setattr__(self, "known", known)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.known, f"the operator has no {name}"
        object.__setattr__(self, name, value)


def draw(name: str) -> list[Drawn]:
    """What a panel draws now; nothing where its poll says so."""
    kind = getattr(bpy.types, name)
    if hasattr(kind, "poll") and not kind.poll(bpy.context):
        return []
    layout = Layout()
    panel = stand_in(kind, layout)
    if hasattr(kind, "draw_header"):
        kind.draw_header(panel, bpy.context)
    kind.draw(panel, bpy.context)
    return layout.drawn


def stand_in(kind: type, layout: Layout, data: Any = None) -> Any:
    """What `draw` of a panel or of preferences takes for itself: a layout, and its own methods and properties."""

    class Panel:
        def __getattr__(self, name: str) -> Any:
            own = getattr(kind, name, None)
            return types.MethodType(own, self) if callable(own) else getattr(data, name)

    panel = Panel()
    panel.layout = layout
    return panel


def panels() -> list[str]:
    """All panels and menus of the extension."""
    kinds = [kind for one in part("parts")._PARTS for kind in one.CLASSES]
    return [kind.__name__ for kind in kinds if issubclass(kind, bpy.types.Panel | bpy.types.Menu)]


def words(drawn: list[Drawn]) -> str:
    """All that is written in a panel, in one line."""
    return " ".join(one.name for one in drawn if one.kind == "label" and one.name)


def _check(function: str, settings: dict[str, Any]) -> None:
    known = set(_FUNCTIONS[function].parameters.keys())
    assert not settings.keys() - known, f"{function} of this Blender has no {settings.keys() - known}"
    assert settings.get("icon", "NONE") in _ICONS, f"this Blender has no icon {settings['icon']}"
