"""Guards against waiting for a GPU, for machines that have none."""

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes


class Blind(TorchDispatchMode):
    """With tensors that hold nothing: raises where the host would wait for a device.

    No value of a meta tensor can be looked at. What that leaves, raises here: a mask as an index,
    whose rows have to be counted, and whatever is copied from the host or to it, unless it is said
    that nobody waits for that.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, tensors = func.overloadpacket.__name__, [*filter(torch.is_tensor, args)]
        if name.startswith(("index", "_index")) and isinstance(args[1], (list, tuple)):
            masks = [one for one in args[1] if one is not None and one.dtype == torch.bool]
            assert not masks, "a mask as an index waits"
        answer = func(*args, **(kwargs or {}))
        devices = {one.device.type for one in (*tensors, answer) if torch.is_tensor(one)}
        copies = name in ("_to_copy", "copy_") and not (kwargs or {}).get("non_blocking")
        assert not copies or len(devices) == 1, f"{name} waits"
        return answer


class NothingNew(TorchFunctionMode):
    """Raises where values of the host become a tensor of a device: the copy waits, too."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func in (torch.tensor, torch.as_tensor, torch.asarray)
        values = args[0] if args else None
        away = torch.device((kwargs or {}).get("device") or "cpu").type != "cpu"
        assert not (made and away) or torch.is_tensor(values), f"{func.__name__} waits"
        return func(*args, **(kwargs or {}))


@contextmanager
def no_waiting():
    """Everything that makes the host wait for a GPU raises inside."""
    with NothingNew(), Blind():
        yield


@contextmanager
def before_training():
    """What happens once, and may wait."""
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        yield
