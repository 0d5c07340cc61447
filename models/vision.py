"""Picture backbones by name: pictures (N, 3, H, W) from 0 to 1 -> features (N, C, h, w) on a coarser grid.

`small`                 a small convolutional network that is trained together with what it serves
`timm:NAME`             any of timm's by way of transformers, e.g. timm:hrnet_w48, which two of the papers use
`transformers:FOLDER`   any of transformers' backbones from a folder with its weights

Those of other makers are frozen, as the papers freeze HRNet; timm's need `pip install -e ".[vision]"`, and all of
them weights that the user has.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoBackbone, AutoConfig, TimmBackboneConfig

from motion.errors import BadConfig, MissingPart

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, which other makers' backbones expect
_SMALL = 48  # channels, as HRNet-w48's finest


class Small(nn.Module):
    """Three convolutions with strides, then three at a quarter of the size."""

    channels = _SMALL

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for enter, leave, stride in ((3, 24, 2), (24, _SMALL, 2), (_SMALL, _SMALL, 1), (_SMALL, _SMALL, 1)):
            layers += [nn.Conv2d(enter, leave, 3, stride, 1), nn.GroupNorm(8, leave), nn.SiLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 48, H / 4, W / 4)."""
        return self.layers(images - 0.5)


class Frozen(nn.Module):
    """Another maker's backbone, all its maps brought to the size of the finest and laid side by side."""

    def __init__(self, model: nn.Module, channels: int) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()
        self.channels = channels

    def train(self, mode: bool = True) -> Frozen:  # noqa: ARG002
        """Stays as it is."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, channels, h, w)."""
        mean, std = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (_MEAN, _STD))
        with torch.no_grad():
            found: Any = self.model((images - mean) / std)
        maps = list(getattr(found, "feature_maps", found))
        size = maps[0].shape[-2:]
        return torch.cat([F.interpolate(m, size, mode="bilinear", align_corners=False) for m in maps], dim=1)


def build(name: str) -> Small | Frozen:
    """The backbone of a name, without weights where these are not in a folder. Raises BadConfig, MissingPart."""
    maker, _, which = name.partition(":")
    if name == "small":
        return Small()
    if maker == "timm" and which:
        _timm(name)
        choice: dict[str, Any] = {"use_pretrained_backbone": False, "out_indices": (1, 2, 3, 4)}
        sizes = TimmBackboneConfig(backbone=which, **choice)
        try:
            model = AutoBackbone.from_config(sizes)
        except (RuntimeError, ValueError) as error:
            raise BadConfig(f"timm has no backbone {which!r} ({error}); choose one of timm.list_models()") from error
        return Frozen(model, sum(model.channels))
    if maker == "transformers" and which:
        if not (Path(which) / "config.json").is_file():
            raise BadConfig(f"backbone {name!r} needs a folder with a model of transformers, {which!r} holds none")
        sizes = AutoConfig.from_pretrained(which, local_files_only=True)
        # AutoBackbone.from_pretrained asks the hub about a folder, too; the class itself does not
        model = type(AutoBackbone.from_config(sizes)).from_pretrained(which, local_files_only=True)
        return Frozen(model, sum(model.channels))
    raise BadConfig(f"there is no backbone {name!r}; choose small, timm:NAME or transformers:FOLDER")


def _timm(name: str) -> None:
    """Raises MissingPart where timm, or what it stands on, cannot be loaded."""
    try:
        importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:  # torchvision dies of a torch that it was not built for
        raise MissingPart(
            f"backbone {name!r} needs timm, which cannot be loaded ({error}); install it with: "
            'pip install -e ".[vision]" '
            "(with a CPU build of torch: torchvision's CPU build, from the same index)"
        ) from error


def sampled(maps: Tensor, places: Tensor) -> Tensor:
    """Features (N, P, C) of maps (N, C, h, w), bilinear, at places (N, P, 2) in x and y from -1 to 1; beyond the edges
    there is nothing."""
    return F.grid_sample(maps, places[:, None], mode="bilinear", align_corners=False)[:, :, 0].transpose(1, 2)
