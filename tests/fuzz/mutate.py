"""Structure-aware mutations: files that keep enough of their format to get past its first checks."""

import contextlib
import io
import itertools
import json
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

MOST = 1 << 19  # bytes of a text
Mutation = Callable[[bytes, Random], bytes]

NUMBERS = [
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    100,
    127,
    128,
    255,
    256,
    32767,
    65535,
    65536,
    10**6,
    10**8,
    2**31 - 1,
    2**31,
    2**32 - 1,
]
NUMBERS += [2**32, 10**10, 10**12, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -1, -2, -128, -(2**31), -(2**63)]
WORDS = [
    "",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e999",
    "0x7f",
    "1_0",
    "null",
    "true",
    "[]",
    "{}",
    "\x00",
    "\x1b[2J",
    "é" * 40,
]


def number(draw: Random) -> int:
    """A number that programs stumble over, or one beside it."""
    return draw.choice(NUMBERS) + draw.choice((0, 0, 0, -1, 1))


def raw(content: bytes, draw: Random) -> bytes:
    """Flip, overwrite, cut, repeat and insert bytes, some of them as whole numbers of 1 to 8 bytes."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at, size = draw.randrange(len(data) + 1), draw.choice((1, 2, 4, 8))
        kind = draw.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        elif kind == 1:
            order = draw.choice(("little", "big"))
            data[at : at + size] = (number(draw) % (1 << (8 * size))).to_bytes(size, order)
        elif kind == 2:
            del data[at : at + draw.choice((1, 4, 40))]
        elif kind == 3:
            data[at:at] = data[at : at + draw.choice((1, 8, 64))] * draw.choice((1, 2, 30))
        elif kind == 4:
            data[at:at] = draw.randbytes(size)
        elif draw.random() < 0.2:
            del data[at:]
    return bytes(data)


def text(content: bytes, draw: Random) -> bytes:
    """Change words, numbers and lines."""
    words = re.split(r"(\s+|[,:{}\[\]])", content.decode("latin1"))
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(words))
        kind = draw.randrange(6)
        if kind == 0:
            words[at] = str(number(draw))
        elif kind == 1:
            words[at] = draw.choice(WORDS)
        elif kind == 2:
            del words[at : at + draw.choice((1, 2, 9))]
        elif kind == 3:
            words[at:at] = words[at : at + draw.choice((2, 12))] * draw.choice((1, 3, 50))
        elif kind == 4:
            other = draw.randrange(len(words))
            words[at], words[other] = words[other], words[at]
        else:
            words[at] = (words[at] * draw.choice((2, 500)))[:MOST]
        words = words or [" "]
        if sum(map(len, words)) > MOST:
            break
    return "".join(words).encode("latin1")[:MOST]


def tree(value: Any, draw: Random) -> Any:
    """Change one place of a JSON tree."""
    if isinstance(value, (dict, list)) and value and draw.random() < 0.85:
        value = value.copy()
        key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if draw.random() < 0.1:
            del value[key]
        else:
            value[key] = tree(value[key], draw)
        return value
    nested: Any = 0
    for _ in range(draw.choice((1, 3, 200))):
        nested = [nested]
    return draw.choice(
        [number(draw), draw.choice(WORDS), None, True, 0.5, 1e300, float("nan"), [], {}, nested, [value] * 9]
    )


def json_file(content: bytes, draw: Random) -> bytes:
    """Change a JSON file as a tree, or as text."""
    value = json.loads(content)
    for _ in range(draw.choice((0, 1, 1, 3))):
        value = tree(value, draw)
    data = json.dumps(value).encode()
    return text(data, draw) if draw.random() < 0.2 else data


GLOBALS = [b"numpy\ndtype", b"numpy\nndarray", b"numpy.core.multiarray\n_reconstruct", b"numpy.core.multiarray\nscalar"]
GLOBALS += [b"numpy.core.numeric\n_frombuffer", b"_codecs\nencode", b"torch\nFloatStorage", b"torch\nLongStorage"]
GLOBALS += [b"torch._utils\n_rebuild_tensor_v2", b"torch._utils\n_rebuild_parameter", b"collections\nOrderedDict"]
GLOBALS += [b"torch\nSize", b"torch\ndevice", b"torch._utils\n_rebuild_meta_tensor_no_storage", b"builtins\nbytearray"]
OPCODES = [code.code.encode("latin1") for code in pickletools.opcodes if code.arg is None]


def pickled(content: bytes, draw: Random) -> bytes:
    """Change a pickle opcode by opcode: numbers, names, order, and new ones."""
    ends = [at for _, _, at in pickletools.genops(content)]
    parts = [content[begin:end] for begin, end in itertools.pairwise([*ends, len(content)])]
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(parts))
        kind = draw.randrange(9)
        if kind < 3:  # a number
            numbers = [i for i, part in enumerate(parts) if part[:1] in (b"K", b"M", b"J", b"I", b"\x8a")]
            at = draw.choice(numbers) if numbers else at
            parts[at] = _long(number(draw))
        elif kind == 3:  # a text: code of a dtype, name of a key
            texts = [i for i, part in enumerate(parts) if part[:1] in (b"X", b"U", b"\x8c", b"T", b"C", b"B", b"V")]
            at = draw.choice(texts) if texts else at
            word = draw.choice(
                [b"O8", b"V8", b"U9", b"S0", b"f4", b"i1", b"c16", b"M8", b"<", b">", b"K", b"", b"f4,O", b"a.b"]
            )
            parts[at] = draw.choice((b"X" + struct.pack("<I", len(word)) + word, b"C" + bytes([len(word)]) + word))
        elif kind == 4:
            del parts[at : at + draw.choice((1, 2))]
        elif kind == 5:
            parts[at:at] = parts[at : at + draw.choice((1, 3, 12))]
        elif kind == 6:
            parts.insert(at, draw.choice(OPCODES))
        elif kind == 7:
            parts.insert(at, b"c" + draw.choice(GLOBALS) + b"\n")
        else:  # what only announces its size
            size = abs(number(draw))
            parts.insert(at, draw.choice((b"\x96", b"\x8e", b"\x8d", b"\x95")) + struct.pack("<Q", size % 2**64))
            parts.insert(at, draw.choice((b"r", b"j", b"B", b"T")) + struct.pack("<I", size % 2**32))
            del parts[at + draw.randrange(2)]
        parts = parts or [b"."]
    return b"".join(parts)


def _long(value: int) -> bytes:
    content = value.to_bytes(10, "little", signed=True)
    return b"\x8a" + bytes([len(content)]) + content


def npy(content: bytes, draw: Random) -> bytes:
    """Change the header of an npy file, whose length is mended, or the pickle behind it."""
    size = struct.unpack("<H", content[8:10])[0]
    header, body = content[10 : 10 + size], content[10 + size :]
    if b"'O'" in header and draw.random() < 0.7:
        body = pickled(body, draw)
    else:
        new = draw.choice(["(%d,)", "(%d, 3)", "(50, %d)", "(%d, 0)", "((%d,),)", "[%d]"]) % number(draw)
        header = re.sub(rb"\(\d.*?\)", new.encode(), header) if draw.random() < 0.6 else header
        codes = ["<f4", "|O", "V8", "<U99999999", "<M8[s]", ">c16", "|b1", "(9,)f4", "S0", "f4,O"]
        header = re.sub(rb"'[<|>][^']*'", repr(draw.choice(codes)).encode(), header) if draw.random() < 0.4 else header
        header = text(header, draw) if draw.random() < 0.3 else header
    return content[:8] + struct.pack("<H", len(header) % 65536) + header + body


def png(content: bytes, draw: Random) -> bytes:
    """Change the chunks of a png file, whose checksums are mended."""
    chunks, at = [], 8
    while at < len(content):
        size = struct.unpack(">I", content[at : at + 4])[0]
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    for _ in range(draw.choice((1, 1, 3))):
        at = draw.randrange(len(chunks))
        name, body = chunks[at]
        kind = draw.randrange(6)
        if kind == 0:
            chunks[0] = (chunks[0][0], raw(chunks[0][1], draw))
        elif kind == 1:
            sizes = struct.pack(">II", *(draw.choice((1, 64, 5000, 30000, 2**31 - 1)) for _ in range(2)))
            form = bytes((draw.choice((1, 2, 4, 8, 16)), draw.choice((0, 2, 3, 4, 6))))
            chunks[0] = (b"IHDR", sizes + form + bytes((0, 0, draw.randrange(2))))
        elif kind == 2:
            names = (
                b"tEXt",
                b"zTXt",
                b"iTXt",
                b"iCCP",
                b"PLTE",
                b"tRNS",
                b"acTL",
                b"fcTL",
                b"fdAT",
                b"gAMA",
                b"eXIf",
                b"IDAT",
            )
            packed = b"a\0\0" + zlib.compress(bytes(draw.choice((10, 10**5, 10**7))))
            chunks.insert(at, (draw.choice(names), draw.choice((packed, draw.randbytes(30), b""))))
        elif kind == 3:
            chunks[at] = (name, raw(body, draw))
        elif kind == 4:
            chunks.insert(at, chunks[draw.randrange(len(chunks))])
        elif len(chunks) > 1:
            del chunks[at]
    blocks = [struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks]
    return content[:8] + b"".join(blocks)


def glb(content: bytes, draw: Random) -> bytes:
    """Change the JSON of a glb file, whose lengths are mended."""
    size = struct.unpack("<I", content[12:16])[0]
    header, rest = json.loads(content[20 : 20 + size]), content[20 + size :]
    for _ in range(draw.choice((1, 1, 2, 4))):
        header = tree(header, draw)
    if draw.random() < 0.15 and isinstance(header, dict):  # nodes that place nodes that place a mesh
        fan, depth = draw.choice(((2, 40), (100, 3), (3, 3), (1, 2000)))
        header["nodes"] = [{"children": [i + 1] * fan} for i in range(depth)] + [{"mesh": 0}]
    data = json.dumps(header).encode()
    data += b" " * (-len(data) % 4)
    body = raw(rest, draw) if draw.random() < 0.1 else rest
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(data) + len(body), len(data), 0x4E4F534A) + data + body


def pth(content: bytes, draw: Random) -> bytes:
    """Change the pickle in a checkpoint, whose archive and checksums are mended, or its records."""
    records = zipfile.ZipFile(io.BytesIO(content))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in records.namelist():
            data = records.read(name)
            if name.endswith("data.pkl"):
                data = pickled(data, draw)
            elif draw.random() < 0.05:
                data = raw(data, draw)
            if draw.random() > 0.01:
                archive.writestr(name, data)
    return out.getvalue()


TAGS = [
    "int",
    "float",
    "bool",
    "null",
    "timestamp",
    "binary",
    "set",
    "omap",
    "pairs",
    "seq",
    "map",
    "str",
    "python/name:os",
]


def config(content: bytes, draw: Random) -> bytes:
    """Change a YAML config: tags, anchors, aliases, nesting, bases, values."""
    lines = content.decode().splitlines()
    for _ in range(draw.choice((1, 1, 2, 3))):
        at = draw.randrange(len(lines))
        key, colon, value = lines[at].partition(":")
        values = [
            f"!!{draw.choice(TAGS)} {draw.choice(('', 'x', '1', '[a]', '{a: b}', value.strip()))}",
            "&a " + value.strip(),
            "*a",
            f"&a [*a, {value.strip()}]",
            draw.choice("[{") * draw.choice((3, 50, 5000)),
            "[" * 60 + "]" * 60,
            draw.choice((str(number(draw)), *WORDS, "2020-13-41", "1:2:3", "0o9", "~", ".nan", "1" * 5000)),
            draw.choice(("a.yaml", "x" * 5000, "/dev/zero", "..", "\0", "self.yaml")),
        ]
        kind = draw.randrange(4)
        if kind < 2 and colon:
            lines[at] = f"{key}: {draw.choice(values)}"
        elif kind == 2:
            indent = re.match(" *", lines[at])[0]
            new = draw.choice(("<<", "_base_", "_delete_", "? [a]", "1", key.strip()))
            lines.insert(at, f"{indent}{new}: {draw.choice(values)}")
        else:
            bomb = ["b0: &b0 [x, x, x]"] + [f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]" for i in range(1, 12)]
            lines += bomb[: draw.choice((2, 12))]
    data = "\n".join(lines).encode()
    return text(data, draw) if draw.random() < 0.2 else data


def either(*mutations: Mutation) -> Mutation:
    """One of several mutations each time, the first as often as all others together; plain bytes now and then."""

    def mutation(content: bytes, draw: Random) -> bytes:
        chosen = draw.choice((*[mutations[0]] * max(len(mutations) - 1, 1), *mutations[1:]))
        with contextlib.suppress(Exception):  # what cannot be parsed any more is changed as bytes
            return chosen(content, draw)
        return raw(content, draw)

    return mutation
