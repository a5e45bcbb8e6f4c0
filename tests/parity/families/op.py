"""What a family file says about an op. See ../README.md."""
from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass
class Op:
    name: str                      # of the golden file and of the adapter: CALL(name)
    db: Optional[list] = None      # op_db's names, "name" or "name/variant"; None: [name]; []: samples only
    samples: Optional[Callable] = None  # samples(dtype, requires_grad) yields SampleInput, after op_db's
    call: Optional[Callable] = None     # what is called with a sample; None: op_db's function
    signature: Optional[str] = None     # "input, dim=None, *, keepdim=False": names the arguments where Python and ATen do not
    schema: Optional[str] = None        # ATen's name where it is not op_db's: "conv2d", "linalg_norm"
    dtypes: Optional[list] = None       # torch dtypes; None: op_db's for the CPU that the library has
    left_out: list = field(default_factory=list)  # (predicate(arguments) -> bool, reason) for samples and errors that C cannot express
    errors: list = field(default_factory=list)    # functions that yield SampleInput that must fail, beside op_db's error inputs
    tolerance: dict = field(default_factory=dict)           # {dtype name: (rtol, atol, reason)} instead of torch.testing's
    gradient_tolerance: dict = field(default_factory=dict)  # likewise, for gradients
    half_exact: Optional[str] = None      # why results in float16 and bfloat16 are those of float64, rounded, and not PyTorch's own
    layout_matters: Optional[str] = None  # why it is not replayed with other strides (as_strided, view)
    no_gradient: Optional[str] = None     # why no gradients are stored
    no_check: Optional[str] = None        # why finite differences say nothing
    outputs: Optional[Callable] = None    # picks or reorders the outputs: outputs(result) -> list
    max_numel: int = 700                  # larger samples (inputs and outputs together) are left out
    input_bits: int = 12                  # inputs are rounded to so many bits, so that they compress; 0: not at all

    def __post_init__(self):
        if self.db is None: self.db = [self.name]
