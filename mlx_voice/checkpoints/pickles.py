"""A pickle, read as data.

A pickle is a program, and Python's own unpickler runs it: refusing names is not enough there, because a few
hundred kilobytes of nested tuples crash it and five bytes make its memo gigabytes large. So the opcodes
that torch writes are interpreted here, under limits, and `MAKERS` is everything they can call.
"""

import io
import pickletools
from collections.abc import Callable
from typing import Any

from mlx_voice.checkpoints.mapped import MappedFile, Storage, StoredTensor, shown

LARGEST = 16 << 20  # bytes of one pickle; the largest official one has about 0.1 MB
MOST_STEPS = 1_000_000

KINDS = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "UntypedStorage": "uint8",
    "BoolStorage": "bool",
}
_DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")

Persistent = Callable[[Any], Storage]


class Refused(Exception):  # noqa: N818 - carries what is wrong, without the file's name
    pass


class Ordered(dict[Any, Any]):
    """Stands for OrderedDict; its attributes (torch hangs version numbers there) are dropped."""


class Attributes(dict[Any, Any]):
    """Stands for utils.HParams: the object's attributes as a mapping."""


class Kind(str):
    """The dtype that a storage class or a dtype tag means."""


def _ordered(*args: Any) -> Ordered:
    result = Ordered()
    if args:  # Python 2 wrote the items as an argument
        (items,) = args
        for key, value in items:
            result[_key(key)] = value
    return result


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    if not (isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)):
        raise Refused("holds a tensor that is not one")
    return StoredTensor(storage, offset, shape, strides)


def _parameter(tensor: Any, *_: Any) -> StoredTensor:
    if not isinstance(tensor, StoredTensor):
        raise Refused("holds a parameter that is not a tensor")
    return tensor


def _size(*args: Any) -> tuple[Any, ...]:
    if len(args) != 1 or not isinstance(args[0], tuple):
        raise Refused("holds a size that is not one")
    return args[0]


def _path(*parts: Any) -> tuple[Any, ...]:
    return parts


MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _ordered,
    ("utils", "HParams"): Attributes,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): _size,
    ("pathlib", "PosixPath"): _path,  # a training configuration may hold some
    ("pathlib", "WindowsPath"): _path,
}
TAGS = {
    **{("torch", name): Kind(kind) for name, kind in KINDS.items()},
    ("torch.storage", "UntypedStorage"): Kind("uint8"),
    **{("torch", name): Kind(name) for name in _DTYPES},
}


def read_pickle(file: MappedFile, start: int, count: int, persistent: Persistent) -> tuple[Any, int]:
    """The object pickled at `start`, and where its pickle ends."""
    source = io.BytesIO(file.read(start, min(count, LARGEST)))
    try:
        machine = _Machine(persistent)
        for step, (opcode, argument, _) in enumerate(pickletools.genops(source)):
            if step > MOST_STEPS:
                raise Refused("holds an absurdly long pickle")
            machine.do(opcode.name, argument)
        return machine.result(), start + source.tell()
    except Refused as refusal:
        raise file.error(str(refusal), "do not use it") from refusal
    except (ValueError, IndexError, TypeError, KeyError) as error:
        raise file.error("is damaged, or is no torch checkpoint") from error


def _key(value: Any) -> Any:
    if not isinstance(value, str | int | float | None):  # tuples could nest until hashing overflows the stack
        raise Refused("holds a mapping with an impossible key")
    return value


def _find(module: Any, name: Any) -> Any:
    if not isinstance(module, str) or not isinstance(name, str):  # hashing something nested can crash
        raise Refused("wants a name that is none")
    found = MAKERS.get((module, name)) or TAGS.get((module, name))
    if found is None:
        raise Refused(f"wants the forbidden name {shown(f'{module}.{name}')}")
    return found


class _Machine:
    """The stack, the memo and what each opcode does to them."""

    def __init__(self, persistent: Persistent) -> None:
        self.persistent = persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.copied = 0

    def do(self, name: str, argument: Any) -> None:
        push, pop = self.stack.append, self.stack.pop
        match name:
            case "PROTO" | "STOP":
                pass
            case "FRAME" | "BINPUT" | "LONG_BINPUT" if argument > LARGEST:
                raise Refused("claims an absurd size")
            case "FRAME":
                pass
            case "MARK":
                self.marks.append(len(self.stack))
            case "NONE":
                push(None)
            case "NEWTRUE" | "NEWFALSE":
                push(name == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT":
                push(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8" | "BINSTRING" | "SHORT_BINSTRING":
                push(argument)
            case "EMPTY_LIST":
                push([])
            case "EMPTY_DICT":
                push({})
            case "EMPTY_TUPLE":
                push(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple(self.last(int(name[-1]))))
            case "TUPLE":
                push(tuple(self.since_mark()))
            case "APPEND":
                self.extend(self.last(1))
            case "APPENDS":
                self.extend(self.since_mark())
            case "SETITEM":
                self.set_items(self.last(2))
            case "SETITEMS":
                self.set_items(self.since_mark())
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self.memo[argument])
            case "GLOBAL":
                push(_find(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                push(_find(*self.last(2)))
            case "REDUCE" | "NEWOBJ":
                push(self.call(*self.last(2)))
            case "BUILD":
                self.build(pop())
            case "BINPERSID":
                push(self.persistent(pop()))
            case _:
                raise Refused(f"holds the pickle opcode {name}, which no checkpoint needs")

    def result(self) -> Any:
        (value,) = self.stack
        return value

    def since_mark(self) -> list[Any]:
        return self.last(len(self.stack) - self.marks.pop())

    def last(self, count: int) -> list[Any]:
        if not 0 <= count <= len(self.stack):
            raise IndexError(count)
        start = len(self.stack) - count
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Refused("appends to something that is not a list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise Refused("sets items of something that is not a mapping")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value

    def call(self, maker: Any, args: Any) -> Any:
        if not callable(maker) or type(args) is not tuple:  # only `_find` brings what can be called
            raise Refused("calls something that cannot be called")
        if maker is Attributes and args:
            raise Refused("gives arguments to utils.HParams")
        if maker is _ordered and args:
            self.spend(args[0])
        return maker(*args)

    def build(self, state: Any) -> None:
        target = self.stack[-1]
        if isinstance(target, Attributes) and isinstance(state, dict):
            self.spend(state)
            target.update(state)
        elif not isinstance(target, Ordered):
            raise Refused("sets attributes of something that has none")

    def spend(self, items: Any) -> None:
        """Copying what is there already is how a small pickle grows large: all copies share one allowance."""
        if not isinstance(items, list | dict):
            raise Refused("copies something that is not a collection")
        self.copied += len(items)
        if self.copied > MOST_STEPS:
            raise Refused("copies itself again and again")
