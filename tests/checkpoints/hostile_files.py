"""Damaged and hostile checkpoints of one tiny T2S: each is (what is wrong with it, file name, bytes)."""

import json
import pickle
import random
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch_files
from safetensors.numpy import save as safe_bytes
from torch_files import Entry, Ordered, Raw, Tensor, Zip, name

Case = tuple[str, str, bytes]
CANARY = "hostile-checkpoint-was-run"
CONFIG: dict[str, Any] = {"model": {"head": 2, "EOS": 4}, "data": {"max_sec": 54}}
LAYER = {
    "self_attn.in_proj_weight": (24, 8), "self_attn.in_proj_bias": (24,),
    "self_attn.out_proj.weight": (8, 8), "self_attn.out_proj.bias": (8,),
    "linear1.weight": (32, 8), "linear1.bias": (32,), "linear2.weight": (8, 32), "linear2.bias": (8,),
    "norm1.weight": (8,), "norm1.bias": (8,), "norm2.weight": (8,), "norm2.bias": (8,),
}  # fmt: skip
SHAPES = {
    "model.bert_proj.weight": (8, 16), "model.bert_proj.bias": (8,),
    "model.ar_text_embedding.word_embeddings.weight": (12, 8), "model.ar_text_position.alpha": (1,),
    "model.ar_audio_embedding.word_embeddings.weight": (5, 8), "model.ar_audio_position.alpha": (1,),
    "model.ar_predict_layer.weight": (5, 8), **{f"model.h.layers.0.{k}": s for k, s in LAYER.items()},
}  # fmt: skip
ALPHA = "model.ar_text_position.alpha"


def weights() -> Ordered:
    rng = np.random.default_rng(0)
    return Ordered({key: rng.normal(size=shape).astype(np.float16) for key, shape in SHAPES.items()})


def content(**changed: Any) -> Ordered:
    return Ordered(weight=weights() | {}, config=CONFIG, info="x") | changed


def sound() -> bytes:
    return torch_files.zip_file(content())


def with_weights(**changed: Any) -> bytes:
    state = weights()
    state.update({ALPHA if key == "alpha" else key: value for key, value in changed.items()})
    return torch_files.zip_file(content(weight=state))


def truncated(rng: random.Random) -> Iterator[Case]:
    legacy = torch_files.legacy_file(content())
    for kind, data, times in (("zip", sound(), 100), ("legacy", legacy, 80)):
        for at in rng.sample(range(1, len(data)), times):
            yield f"{kind} truncated at {at}", "x.ckpt", data[:at]


def flipped(rng: random.Random) -> Iterator[Case]:
    """Bits of all that carries meaning: pickle, numbers, and the directory's checksums, sizes and places."""
    built = torch_files.zip_of(content())
    data = built.build()
    spans = [range(o, o + len(e.data)) for o, e in zip(built.offsets, built.entries, strict=True)]
    bodies = [at for e, span in zip(built.entries, spans, strict=True) if "/data" in e.path for at in span]
    directory, places = data.index(b"PK\1\2"), []
    while data.startswith(b"PK\1\2", directory):
        names = struct.unpack("<H", data[directory + 28 : directory + 30])[0]
        fields = (*range(16, 28), *range(42, 46 + names))
        if b"/data" in data[directory + 46 : directory + 46 + names]:
            places += [directory + field for field in fields]
        directory += 46 + names
    for at in rng.sample(bodies, 90) + rng.sample(places, 60):
        bit = 1 << rng.randrange(8)
        yield (
            f"bit {bit} of byte {at} flipped",
            "x.ckpt",
            data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :],
        )


FORBIDDEN = (
    "os.system", "posix.system", "subprocess.Popen", "subprocess.run", "builtins.eval", "builtins.exec",
    "builtins.open", "builtins.getattr", "builtins.__import__", "__builtin__.eval", "importlib.import_module",
    "runpy.run_path", "pty.spawn", "socket.create_connection", "shutil.rmtree", "pathlib.Path.unlink",
    "torch.load", "torch.hub.load", "torch.jit.load", "numpy.load", "numpy.core.multiarray._reconstruct",
    "operator.attrgetter", "functools.partial", "types.FunctionType", "marshal.loads", "pickle.loads",
    "webbrowser.open", "ctypes.CDLL", "code.interact", "pip.main", "timeit.timeit", "bdb.Bdb.run",
    "collections.OrderedDict.fromkeys", "utils.HParams.__init__", "torch._utils._rebuild_qtensor",
    "torch.nn.modules.linear.Linear", "_codecs.encode", "copyreg._reconstructor",
    "mlx_voice.files.write_bytes",
)  # fmt: skip


def forbidden() -> Iterator[Case]:
    """A name that may not be called, smuggled in by every opcode that can name or call something."""
    command = pickle.dumps(f"touch {CANARY}", 2)[2:-1]
    for full in FORBIDDEN:
        module, attribute = full.rsplit(".", 1)
        found = name(module, attribute)
        by_stack = pickle.dumps(module, 2)[2:-1] + pickle.dumps(attribute, 2)[2:-1] + b"\x93"
        ways = {
            "REDUCE": found + command + b"\x85R",
            "STACK_GLOBAL": by_stack + command + b"\x85R",
            "NEWOBJ": found + command + b"\x85\x81",
            "INST": b"(" + command + f"i{module}\n{attribute}\n".encode(),
            "OBJ": b"(" + found + command + b"o",
        }
        for way, opcodes in ways.items():
            yield f"{full} by {way}", "x.ckpt", torch_files.zip_file(content(info=Raw(opcodes)))
        evil = torch_files.legacy_file(content(config=Raw(ways["REDUCE"])))
        yield f"{full} in a legacy file", "x.ckpt", evil


def absurd_tensors() -> Iterator[Case]:
    one = np.ones(1, np.float16)
    claims: dict[str, dict[str, Any]] = {
        "a shape beyond the storage": {"shape": (1 << 40,), "strides": (1,)},
        "a repeated number": {"shape": (1 << 40,), "strides": (0,)},
        "two dimensions of repetition": {"shape": (1 << 30, 1 << 30), "strides": (0, 0)},
        "a negative stride": {"shape": (1,), "strides": (-1,)},
        "a negative size": {"shape": (-1,), "strides": (1,)},
        "a negative offset": {"offset": -1},
        "an offset beyond": {"offset": 1},
        "an immense offset": {"offset": 1 << 70},
        "an immense stride": {"shape": (2,), "strides": (1 << 62,)},
        "an immense count": {"count": 1 << 62},
        "a negative count": {"count": -1},
        "a count that is text": {"count": "1"},
        "a count that is a float": {"count": 1.0},
        "a bool as size": {"shape": (True,), "strides": (1,)},
        "a float as size": {"shape": (1.0,), "strides": (1,)},
        "text as size": {"shape": ("1",), "strides": (1,)},
        "a list as shape": {"shape": [1], "strides": (1,)},
        "more strides than sizes": {"shape": (1,), "strides": (1, 1)},
        "no strides": {"shape": (1,), "strides": ()},
        "sixty dimensions": {"shape": (1,) * 60, "strides": (1,) * 60},
        "an unknown storage": {"storage": "QUInt8Storage"},
        "a storage of another width": {"storage": "DoubleStorage"},
        "a storage that is a function": {"storage": "Size"},
    }
    for what, claim in claims.items():
        yield what, "x.ckpt", with_weights(alpha=Tensor(one, **claim))
    for key, lies in (("layers.999999999.x", one), ("layers.9999999999999999999999.x", one)):
        yield f"a key {key}", "x.ckpt", with_weights(**{f"model.h.{key}": lies})
    for field, value in (
        ("head", 0),
        ("head", 10**12),
        ("head", "x"),
        ("head", None),
        ("EOS", -1),
        ("EOS", []),
    ):
        config = {"model": CONFIG["model"] | {field: value}, "data": {"max_sec": 1}}
        yield f"{field} = {value}", "x.ckpt", torch_files.zip_file(content(config=config))
    for seconds in (0, -1, float("nan"), float("inf"), 1e300, "x", [3]):
        config = {"model": CONFIG["model"], "data": {"max_sec": seconds}}
        yield f"max_sec = {seconds}", "x.ckpt", torch_files.zip_file(content(config=config))
    for config in (
        {},
        {"model": {}},
        {"model": 3},
        {"model": {"head": 2, "EOS": 4}, "data": {}},
        [],
        "config",
    ):
        yield f"the configuration {config}", "x.ckpt", torch_files.zip_file(content(config=config))


def pickle_bombs() -> Iterator[Case]:
    nested = b")" + b"\x85" * 300_000
    texts = {
        "a memo index of 4 billion": b"Nr\xff\xff\xff\xff",
        "a memo entry that is not there": b"h\x07",
        "a number of 2 GB": b"\x8b\xff\xff\xff\x7f",
        "bytes of 2 EB": b"\x8e" + struct.pack("<Q", 1 << 61),
        "text of 4 GB": b"X\xff\xff\xff\xff",
        "text of 2 EB": b"\x8d" + struct.pack("<Q", 1 << 61),
        "a bytearray of 2 EB": b"\x96" + struct.pack("<Q", 1 << 61),
        "a negative length": b"T\xff\xff\xff\xff",
        "a frame of 2 EB": b"\x95" + struct.pack("<Q", 1 << 61) + b"N",
        "tuples nested as a key": b"}" + nested + b"Ns",
        "a nested module name": nested + b"X\1\0\0\0x\x93",
        "a frozenset": b"(\x91",
        "a set": b"\x8f",
        "many duplicates": b"N" + b"2" * 100_000,
        "an extension": b"\x82\x01",
        "a next buffer": b"\x97",
        "a float in text": b"F1e999\n",
        "a number in text": b"I" + b"9" * 5000 + b"\n",
        "a mark too few": b"t",
        "more than the stack": b"\x87\x87",
        "a call of a list": b"](tR",
        "a call of a tensor kind": name("torch", "HalfStorage") + b")R",
        "a call without a tuple": name("collections", "OrderedDict") + b"NR",
        "arguments for HParams": name("utils", "HParams") + b"]\x85\x81",
        "attributes of a list": b"]}b",
        "attributes of a number": b"K\x01}b",
        "items of a number": b"K\x01(NNu",
        "an odd number of items": b"}(NNNu",
        "appending to a mapping": b"}(Ne",
        "an OrderedDict of a number": name("collections", "OrderedDict") + b"K\x01\x85R",
        "a parameter of nothing": name("torch._utils", "_rebuild_parameter") + b"NNN\x87R",
        "a tensor of nothing": name("torch._utils", "_rebuild_tensor_v2") + b"(NK\x00))tR",
        "a tensor of too little": name("torch._utils", "_rebuild_tensor_v2") + b"N\x85R",
        "a size of nothing": name("torch", "Size") + b")R",
        "a persistent id in text": b"Pstorage\n",
        "a persistent id of nothing": b"NQ",
        "a persistent id of another kind": pickle.dumps(("module", 1, 2, 3, 4), 2)[2:-1] + b"Q",
    }
    for what, opcodes in texts.items():
        yield what, "x.ckpt", torch_files.zip_file(content(info=Raw(opcodes)))
        yield f"{what}, legacy", "x.ckpt", torch_files.legacy_file(content(info=Raw(opcodes)))
    yield (
        "a million steps",
        "x.ckpt",
        torch_files.zip_file(content(info=Raw(b"](" + b"N" * 1_200_000 + b"e"))),
    )
    doubled = b"](]q\x00(NNe" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60)) + b"e"
    deep = b"}" + b"X\1\0\0\0x}" * 5000 + b"s" * 5000
    for what, note in (
        ("that doubles sixty times", Raw(doubled)),
        ("5000 deep", Raw(deep)),
        ("of a novel", "a" * 1_000_000),
    ):
        config = CONFIG | {"note": note}
        yield f"a configuration {what}", "x.ckpt", torch_files.zip_file(content(config=config))
    grown = (
        b"}q\x01("
        + b"".join(struct.pack("<cBcBB", b"K", i % 256, b"M", i // 256, i % 7) for i in range(999))
        + b"u"
    )
    copies = name("utils", "HParams") + b")\x81h\x01b"
    bomb = b"](" + grown + copies * 20_000 + b"e"
    yield "a mapping copied 20000 times", "x.ckpt", torch_files.zip_file(content(info=Raw(bomb)))
    items = b"](" + b"".join([b"K\x01K\x02\x86"] * 999) + b"eq\x01"
    again = (name("collections", "OrderedDict") + b"h\x01\x85R") * 20_000
    yield (
        "items copied 20000 times",
        "x.ckpt",
        torch_files.zip_file(content(info=Raw(b"](" + items + again + b"e"))),
    )
    padded = Raw(b"](" + (b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)) * 17 + b"e")
    yield "a pickle of 17 MB", "x.ckpt", torch_files.zip_file(content(info=padded))


def not_tensors() -> Iterator[Case]:
    for value in ("text", 3, 1.5, None, True, [], {}, (), [np.ones(1)], {"a": np.ones(1)}):
        yield f"{value!r} among the weights", "x.ckpt", with_weights(alpha=value)
    for key in (3, None, 1.5, True):
        yield (
            f"the key {key!r}",
            "x.ckpt",
            torch_files.zip_file(content(weight=weights() | {key: np.ones(1)})),
        )
    for whole in ("text", 3, None, [], (), [weights()], np.ones(3), {}, {"weight": "text"}, {"weight": []}):
        yield f"{str(whole)[:20]} as the whole", "x.ckpt", torch_files.zip_file(whole)
    for dtype in (np.int64, np.bool_):
        lying = Tensor(np.ones(3, dtype), shape=(12, 8), strides=(8, 1))
        yield f"{dtype.__name__} too short", "x.ckpt", with_weights(alpha=lying)


def strange_zips() -> Iterator[Case]:
    good = torch_files.zip_of(content())
    pickled = good.entries[0].data
    for path in (
        "../data.pkl", "/archive/data.pkl", "archive/../x", "archive/../../etc/passwd", "archive//x",
        "archive/./x", "archive\\..\\x", "C:\\x/y", "archive/x\0y", "archive/", "archive", "", "other/x", "/",
        "..", "archive/data/../x",
    ):  # fmt: skip
        yield f"an entry {path!r}", "x.ckpt", Zip([*good.entries, Entry(path, b"x")]).build()
    for top in ("..", ".", "a\\b"):
        yield f"the top folder {top!r}", "x.ckpt", torch_files.zip_file(content(), top=top)
    yield "data.pkl twice", "x.ckpt", Zip([*good.entries, Entry("archive/data.pkl", pickled)]).build()
    yield "a storage twice", "x.ckpt", Zip([*good.entries, Entry("archive/data/0", b"xx")]).build()
    lies: dict[str, dict[str, Any]] = {
        **{f"method {m}": {"method": m} for m in (1, 8, 9, 12, 14, 93, 95, 99)},
        "encryption": {"flags": 1},
        **{f"size {s}": {"size": s} for s in (0, 1, 1 << 20, 0xFFFFFFFE, 0xFFFFFFFF)},
        **{f"offset {o}": {"offset": o} for o in (1, 2, 64, 1 << 20, 0xFFFFFFFE, 0xFFFFFFFF)},
        "checksum 0": {"crc": 0},
    }
    for what, lie in lies.items():
        for at, which in ((0, "pickle"), (3, "storage")):
            entries = [Entry(e.path, e.data, **(lie if i == at else {})) for i, e in enumerate(good.entries)]
            if lie.get("offset") != 0:
                yield f"{what} of the {which}", "x.ckpt", Zip(entries).build()
    for count in (0, 1, len(good.entries) + 1, 1 << 20, 1 << 60):
        yield f"a directory of {count}", "x.ckpt", Zip(good.entries, count=count).build()
    swapped = [Entry(e.path, b"big" if e.path.endswith("byteorder") else e.data) for e in good.entries]
    yield "the other byte order", "x.ckpt", Zip(swapped).build()
    for head in (b"07", b"99", b"XX", b"\0\0"):
        yield f"the head {head!r}", "x.ckpt", torch_files.zip_file(content(), head=head)
    for byte in (b"02", b"03", b"04"):
        yield (
            f"version {byte.decode()}",
            "x.ckpt",
            torch_files.zip_file({"weight": {"cfm.x": np.ones(1)}}, head=byte),
        )
    for key in ("0", "../0", "/etc/passwd", "0\0", "7" * 1000):
        storage = pickle.dumps(key, 2)[2:-1]
        claim = (
            b"(" + pickle.dumps("storage", 2)[2:-1] + name("torch", "HalfStorage") + storage + b"NM\xff\xfftQ"
        )
        yield f"the storage {key[:12]!r}", "x.ckpt", torch_files.zip_file(content(info=Raw(claim)))


def strange_safetensors() -> Iterator[Case]:
    data = safe_bytes(dict(weights()))
    length = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    alpha = header[ALPHA]

    def built(changed: Any, numbers: bytes = body) -> bytes:
        text = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return struct.pack("<Q", len(text)) + text + numbers

    begin = alpha["data_offsets"][0]
    claims: dict[str, Any] = {
        "another dtype": alpha | {"dtype": "F32"}, "an unknown dtype": alpha | {"dtype": "F4"},
        "no dtype": {"shape": [1], "data_offsets": [0, 2]}, "a dtype that is a list": alpha | {"dtype": []},
        "a longer shape": alpha | {"shape": [2]}, "an immense shape": alpha | {"shape": [1 << 62, 1 << 62]},
        "a negative shape": alpha | {"shape": [-1]}, "a float shape": alpha | {"shape": [1.0]},
        "a text shape": alpha | {"shape": "1"}, "a bool shape": alpha | {"shape": [True]},
        "forty dimensions": alpha | {"shape": [1] * 40}, "no shape": alpha | {"shape": None},
        "an end before the start": alpha | {"data_offsets": [begin + 2, begin]},
        "a negative start": alpha | {"data_offsets": [-2, 0]},
        "an end beyond the file": alpha | {"data_offsets": [len(body), len(body) + 2]},
        "immense offsets": alpha | {"data_offsets": [1 << 70, (1 << 70) + 2]},
        "one offset": alpha | {"data_offsets": [0]}, "three offsets": alpha | {"data_offsets": [0, 1, 2]},
        "text offsets": alpha | {"data_offsets": ["0", "2"]}, "no description": None, "a list": [1],
    }  # fmt: skip
    for what, claim in claims.items():
        yield f"safetensors: {what}", "x.safetensors", built({**header, ALPHA: claim})
    texts = {
        "not JSON": b"{" + b"x" * 50, "a list": b"[]", "not UTF-8": b'{"\xff":1}',
        "nested": b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "a key twice": b'{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":1}',
        "a number of 5000 digits": b'{"a":' + b"9" * 5000 + b"}", "nothing": b"{}",
    }  # fmt: skip
    for what, text in texts.items():
        yield f"safetensors: {what}", "x.safetensors", built(text)
    for claimed in (0, 1, length - 1, length + 1, 1 << 30, 1 << 62, (1 << 64) - 1):
        yield f"safetensors: a header of {claimed}", "x.safetensors", struct.pack("<Q", claimed) + data[8:]
    for cut in range(1, 41):
        yield f"safetensors: cut by {cut * cut}", "x.safetensors", data[: -cut * cut]
    yield "safetensors without a configuration", "x.safetensors", data


def other_weights() -> Iterator[Case]:
    for key in SHAPES:
        state = weights()
        del state[key]
        yield f"{key} missing", "x.ckpt", torch_files.zip_file(content(weight=state))
        yield f"{key} misshapen", "x.ckpt", with_weights(**{key: np.ones((3, 3, 3), np.float16)})
    for key in ("model.extra", "model.h.layers.0.extra", "enc_p.x", "x", "", "a" * 10_000, "\udc80"):
        yield f"{key[:20]!r} surplus", "x.ckpt", with_weights(**{key: np.ones(1, np.float16)})
    for value in (np.nan, np.inf, -np.inf):
        yield f"{value} among the numbers", "x.ckpt", with_weights(alpha=np.array([value], np.float16))
    yield "a number beyond float16", "x.ckpt", with_weights(alpha=np.array([1e6], np.float32))


def all_cases(seed: int) -> list[Case]:
    rng = random.Random(seed)
    families = (
        truncated(rng), flipped(rng), forbidden(), absurd_tensors(), pickle_bombs(), not_tensors(),
        strange_zips(), strange_safetensors(), other_weights(),
    )  # fmt: skip
    return [case for family in families for case in family]


def fuzzed(rng: random.Random) -> Iterator[bytes]:
    """Without end: sound files with their pickle, their directory or their header spoilt at random."""
    built, legacy = torch_files.zip_of(content()), torch_files.legacy_file(content())
    pickled, whole = bytes(built.entries[0].data), built.build()
    safe = safe_bytes(dict(weights()))
    header = 8 + struct.unpack("<Q", safe[:8])[0]
    opcodes = b"().]}NKMJGBCqrhjtuaesbRQcTX\x81\x85\x86\x87\x88\x89\x8a\x8c\x8d\x8e\x93\x94\x95"
    while True:
        spoilt = _spoilt(rng, pickled, opcodes)
        yield Zip([Entry("archive/data.pkl", spoilt), *built.entries[1:]]).build()
        yield whole[:-2000] + _spoilt(rng, whole[-2000:], bytes(range(256)))
        yield _spoilt(rng, legacy[:3000], opcodes) + legacy[3000:]
        yield safe[:8] + _spoilt(rng, safe[8:header], b'0123456789-+[]{}",:.eEntfu\\') + safe[header:]


def _spoilt(rng: random.Random, data: bytes, alphabet: bytes) -> bytes:
    for _ in range(rng.randrange(1, 6)):
        at, gone = rng.randrange(len(data)), rng.randrange(8)
        data = (
            data[:at]
            + bytes(rng.choices(alphabet, k=rng.choice((gone, gone, rng.randrange(8)))))
            + data[at + gone :]
        )
    return data
