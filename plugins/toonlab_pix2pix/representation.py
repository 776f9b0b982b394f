"""What a conditional critic sees: each image with the photo that it belongs to."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from toonlab import PartError, Views
from toonlab.ops.crop import crop


@dataclass(frozen=True)
class WithPhoto:
    """Each view behind its photo's, so that a critic judges whether the two belong together.

    Isola, Zhu, Zhou and Efros, "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, eq. 1:
    (photo, cartoon) is real, (photo, fake) is fake. `(N, 3, H, W)` -> `(N, 6, H, W)` in [-1, 1]. Views are whole
    images, or regions of the size of their boxes, which are cut from the photos, too.

    Raises:
        PartError: when called with views that have no pairs (`train.supervised`), or other sizes than their photos.
    """

    def __call__(self, views: Views) -> Views:
        context = views.context
        if context is None or context.real_photo is None:
            raise PartError("with_photo: needs pairs, whose cartoons have a photo; give train.supervised=true")
        real = _joined(views.real, context.real_photo, views.real_boxes)
        return replace(views, real=real, fake=_joined(views.fake, context.photo, views.fake_boxes))


def _joined(images: Tensor, photo: Tensor, boxes: Tensor | None) -> Tensor:
    """`(N, C, H, W)` and their photos -> `(N, 3 + C, H, W)`; sizes of boxes are looked at on the CPU, as in a probe."""
    size = images.shape[2:]
    if boxes is not None:
        if boxes.device.type == "cpu" and not (boxes[:, 3:] == torch.tensor(size)).all():
            raise PartError("with_photo: needs regions in the size of their boxes; this sampler resizes them")
        photo = crop(photo, boxes, (size[0], size[1]))
    if (len(photo), *photo.shape[2:]) != (len(images), *size):
        raise PartError(
            f"with_photo: photos are {tuple(photo.shape)}, views {tuple(images.shape)}: no boxes tell where"
        )
    return torch.cat([photo, images], 1)
