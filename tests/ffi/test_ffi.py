#!/usr/bin/env python3
"""test_ffi.py LIBCTORCH.SO: the library through its C ABI alone, with nothing but Python's ctypes: no header, no compiler.

A small MLP learns the XOR of two signs: tensors from Python's memory, a data set of tensors and a loader, modules, Adam, backward, a function with callbacks
in Python, errors, files.
"""
import array, ctypes, os, random, sys, tempfile
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char_p, c_double, c_int, c_int32, c_int64, c_uint64, c_void_p)

lib = ctypes.CDLL(sys.argv[1])

# ---- Signatures. Enums are 32-bit; handles are pointers ----
F32, F64, I64 = 1, 2, 9
ERR_SHAPE, ERR_USER = 2, 12


class Scope(Structure): _fields_ = [(n, c_uint64) for n in ("serial", "start", "outer_start", "outer_serial", "modes")]
class OptI64(Structure): _fields_ = [("has", c_bool), ("value", c_int64)]


class LoaderOptions(Structure):
    _fields_ = [("batch_size", c_int64), ("shuffle", c_bool), ("drop_last", c_bool), ("num_workers", c_int32), ("prefetch_factor", c_int32),
                ("seed", OptI64), ("generator", c_void_p), ("collate", c_void_p), ("collate_arg", c_void_p), ("reserved", c_uint64 * 4)]


class Batch(Structure):
    _fields_ = [("input", c_void_p), ("target", c_void_p), ("fields", c_void_p), ("indices", c_void_p), ("size", c_int64), ("index", c_int64),
                ("reserved", c_uint64 * 4)]


Forward = CFUNCTYPE(c_int, c_void_p, POINTER(c_void_p), c_int, POINTER(c_void_p), c_int)


class FunctionClass(Structure):
    _fields_ = [("name", c_char_p), ("forward", Forward), ("backward", Forward), ("free_user", c_void_p), ("once_differentiable", c_bool),
                ("reserved", c_uint64 * 4)]


def declare(name, result, *arguments):
    f = getattr(lib, name)
    f.restype, f.argtypes = result, arguments
    return f


P, S = c_void_p, c_int  # a handle, a status
ok, status = declare("ct_ok", c_bool), declare("ct_error_status", S)
message, clear = declare("ct_error_message", c_char_p), declare("ct_error_clear", None)
manual_seed = declare("ct_manual_seed", None, c_uint64)
scope_begin, scope_end = declare("ct_scope_begin", Scope), declare("ct_scope_end", None, Scope)
no_grad_begin = declare("ct_no_grad_begin", Scope)
clear_root = declare("ct_scope_clear_root", None)
keep, release = declare("ct_keep", P, P), declare("ct_release", None, P)
from_data = declare("ct_from_data", P, P, POINTER(c_int64), c_int, c_int)
copy_to = declare("ct_copy_to", S, P, P, c_int64, c_int)
item, numel = declare("ct_item_f64", c_double, P), declare("ct_numel", c_int64, P)
mul, matmul = declare("ct_mul", P, P, P), declare("ct_matmul", P, P, P)
mul_scalar, tsum = declare("ct_mul_scalar", P, P, c_double), declare("ct_sum", P, P)
eq, argmax = declare("ct_eq", P, P, P), declare("ct_argmax", P, P, c_int64, P)
cross_entropy = declare("ct_cross_entropy", P, P, P, P)
set_requires_grad, backward = declare("ct_set_requires_grad", S, P, c_bool), declare("ct_backward", S, P)
tensor_grad = declare("ct_tensor_grad", P, P)
function_apply = declare("ct_function_apply", P, POINTER(FunctionClass), P, POINTER(P), c_int)
save_for_backward = declare("ct_function_save_for_backward", S, P, POINTER(P), c_int)
saved_tensor = declare("ct_function_saved_tensor", P, P, c_int)
error_raise = declare("ct_error_raise", S, S, c_char_p)
linear, relu = declare("ct_nn_linear", P, c_int64, c_int64, P), declare("ct_nn_relu", P)
sequential = declare("ct_nn_sequential_n", P, POINTER(P), c_int)
forward, parameters = declare("ct_forward", P, P, P), declare("ct_parameters", P, P)
module_free, state_dict = declare("ct_module_free", None, P), declare("ct_state_dict", P, P)
load_state_dict = declare("ct_load_state_dict", S, P, P, P)
adam, step = declare("ct_optim_adam", P, P, c_double, P), declare("ct_optim_step", S, P)
zero_grad, optim_free = declare("ct_optim_zero_grad", S, P), declare("ct_optim_free", None, P)
dataset_tensors, dataset_free = declare("ct_dataset_tensors", P, P, P), declare("ct_dataset_free", None, P)
loader_new, loader_next = declare("ct_loader_new", P, P, POINTER(LoaderOptions)), declare("ct_loader_next", c_bool, P, POINTER(Batch))
loader_free = declare("ct_loader_free", None, P)
save, load = declare("ct_save", S, P, c_char_p, P), declare("ct_load", P, c_char_p, P)
version = declare("ct_version", c_char_p)


def shape(*sizes): return (c_int64 * len(sizes))(*sizes), len(sizes)


def tensor(values, *sizes, dtype=F32):
    data = array.array({F32: "f", F64: "d", I64: "q"}[dtype], values)
    return from_data(data.buffer_info()[0], *shape(*sizes), dtype)


def values(t):
    out = (c_double * numel(t))()
    assert copy_to(t, out, len(out), F64) == 0, message()
    return list(out)


def expect(condition, what):
    assert condition, f"{what}; pending: {message().decode()}"


# ---- A function with callbacks in Python: y = x^2, its gradient scaled by 3 so that it can only have come from here ----
@Forward
def square_forward(ctx, x, n, out, n_out):
    save_for_backward(ctx, x, 1)
    out[0] = mul(x[0], x[0])
    return status()


@Forward
def square_backward(ctx, grad, n, out, n_out):
    out[0] = mul(grad[0], mul_scalar(saved_tensor(ctx, 0), 6.0))
    return status()


@Forward
def fails(ctx, x, n, out, n_out): return error_raise(ERR_USER, b"said in Python")


def test_callbacks():
    x = tensor([1, -2, 3], 3)
    set_requires_grad(x, True)
    inputs = (P * 1)(x)
    square = FunctionClass(b"PythonSquare", square_forward, square_backward)
    y = function_apply(byref(square), None, inputs, 1)
    expect(values(y) == [1, 4, 9], "the forward callback's values")
    expect(backward(tsum(y)) == 0, "backward through Python")
    expect(values(tensor_grad(x)) == [6, -12, 18], "the backward callback's gradient")
    broken = FunctionClass(b"Broken", fails, square_backward)
    expect(function_apply(byref(broken), None, inputs, 1) is None, "a callback that fails gives NULL")
    expect(status() == ERR_USER and b"said in Python" in message(), "the callback's own sentence")
    clear()


def test_errors():
    a, b = tensor(range(6), 2, 3), tensor(range(8), 4, 2)
    expect(matmul(a, b) is None and status() == ERR_SHAPE, "a wrong shape is NULL and a status")
    text = message().decode()
    expect("ct_matmul" in text and "[2, 3]" in text and "[4, 2]" in text, "its sentence names function and shapes")
    expect(mul(a, a) is None and message().decode() == text, "the first error stays")
    clear()
    expect(ok(), "cleared")
    expect(load(b"/nonexistent/file.safetensors", None) is None and b"/nonexistent/file.safetensors" in message(), "a missing file is named")
    clear()


def network(hidden):
    return sequential((P * 5)(linear(2, hidden, None), relu(), linear(hidden, hidden, None), relu(), linear(hidden, 2, None)), 5)


def accuracy(net, x, y, n):
    outer = no_grad_begin()
    right = item(tsum(eq(argmax(forward(net, x), 1, None), y)))
    scope_end(outer)
    return right / n


def test_training():
    n, rng = 512, random.Random(1)
    points = [rng.uniform(-1, 1) for _ in range(2 * n)]
    labels = [int((points[2 * i] > 0) != (points[2 * i + 1] > 0)) for i in range(n)]
    manual_seed(1)
    x, y = tensor(points, n, 2), tensor(labels, n, dtype=I64)
    data = dataset_tensors(x, y)
    loader = loader_new(data, byref(LoaderOptions(batch_size=64, shuffle=True, num_workers=2)))
    net = network(32)
    opt = adam(parameters(net), 1e-2, None)
    expect(ok(), "set-up")
    first = accuracy(net, x, y, n)
    losses = []
    for _ in range(30):
        batch, total, count = Batch(), 0.0, 0
        while loader_next(loader, byref(batch)):
            scope = scope_begin()
            loss = cross_entropy(forward(net, batch.input), batch.target, None)
            zero_grad(opt)
            backward(loss)
            step(opt)
            total, count = total + item(loss), count + 1
            scope_end(scope)
        expect(count == 8, "batches in an epoch")
        losses.append(total / count)
    last = accuracy(net, x, y, n)
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, accuracy {first:.3f} -> {last:.3f}")
    expect(losses[-1] < 0.2 * losses[0] and last > 0.95, "it learns")

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "xor.safetensors").encode()
        expect(save(state_dict(net), path, None) == 0, "saving")
        other = network(32)
        expect(load_state_dict(other, load(path, None), None) == 0, "loading")
        expect(values(forward(other, x)) == values(forward(net, x)), "the loaded network computes the same")
        wrong = network(16)
        expect(load_state_dict(wrong, load(path, None), None) != 0 and b"0.weight" in message(), "a network of another size refuses, by name")
        clear()
    for m in (net, other, wrong): module_free(m)
    optim_free(opt)
    loader_free(loader)
    dataset_free(data)
    expect(ok(), "no error is left")


passed = failed = 0
print("libctorch", version().decode())
for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
    try:
        test()
        passed += 1
    except AssertionError as e:
        failed += 1
        print(f"FAILED: {name}: {e}")
        clear()
    clear_root()
print(f"ffi: {passed} passed, {failed} failed")
if os.environ.get("CTORCH_TEST_COUNTS"):
    with open(os.environ["CTORCH_TEST_COUNTS"], "w") as f: f.write(f"{passed} {failed} 0\n")
sys.exit(1 if failed else 0)
