"""Several hundred small honest programs: what people's programs do, and nothing that varies."""

# ruff: noqa: E501 - a program is a line here
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Honest(NamedTuple):
    """A program, and what it reads."""

    family: str
    code: str
    stdin: bytes = b""


EXPRESSIONS = """
1 + 2 * 3 ** 4 // 5 % 6
-7 // 2, -7 % 2, divmod(-7, 2), 7 // -2
2 ** 200, -2 ** 0.5, (-8) ** (1 / 3)
10 ** 4299
len(str(10 ** 4000))
0.1 + 0.2, 1e16, 1e-5, 1.0, 100000000000000000000.0, float("inf"), float("nan")
round(2.5), round(3.5), round(-0.5), round(2.675, 2), round(1234, -2)
1_000_000, 0xFF, 0o17, 0b101, hex(255), oct(8), bin(-5)
int("12", 3), int("-0x1f", 16), int("z", 36), int(" 42 "), int("١٢")
complex(1, -2) * 1j, abs(3 + 4j), (1 + 2j).conjugate()
True + True, not [], bool("False"), 1 == 1.0 == True
"abc"[::-1], "abc" * 2, "a" "b", "x" in "xyz", "abc" < "abd"
"héllo wörld".upper(), "ß".upper(), "İ".lower(), "ﬀ".casefold()
"日本語"[1], len("👨‍👩‍👧"), "\\U0001F600", "\\x41\\t|"
"a,b,,c".split(","), " a  b ".split(), "a-b-c".rsplit("-", 1), "l1\\nl2\\r\\nl3".splitlines()
"{:>8}|{:<8}|{:^8}".format("r", "l", "c"), "{0}{1}{0}".format(1, 2)
f"{3.14159:.2f} {42:05d} {255:#x} {1e9:,.0f} {'x':*^5} {0.5:%}"
f"{'nested ' + f'{1 + 1}'} {[1, 2]!r} {7=}"
"%d %s %05.1f %x %%" % (1, "a", 2.25, 255)
"abc".center(9, "-"), "7".zfill(3), "Title case".title(), "swap".swapcase()
"abcabc".replace("b", "X", 1), "abcabc".find("c"), "abcabc".count("bc"), "a.b".partition(".")
"x".join(map(str, range(5))), "abc".translate({97: "A", 98: None})
"abc".encode(), "é".encode("latin-1"), b"\\xc3\\xa9".decode(), bytes(range(5)), bytearray(b"ab")
repr("it's"), repr('say "hi"'), repr("both ' and \\""), repr("\\n\\0\\x7f\\u200b")
ascii("é日"), ord("é"), chr(8364), "\\N{SNOWMAN}"
[1, 2, 3][-1], [1, 2, 3, 4, 5][1:4:2], [1, 2, 3, 4][::-1], [[0] * 2 for _ in range(2)]
[x * y for x in range(3) for y in range(3) if x != y]
sorted(["b", "A", "c"]), sorted(["b", "A", "c"], key=str.lower), sorted([3, 1, 2], reverse=True)
sorted([(1, "b"), (1, "a"), (0, "z")]), sorted({3: 1, 1: 2}.items(), key=lambda p: p[1])
list(zip([1, 2, 3], "ab")), list(enumerate("ab", 1)), list(map(max, [1, 5], [3, 2]))
list(filter(None, [0, 1, "", "a", None])), list(reversed([1, 2])), list(range(10, 0, -3))
sum([0.1] * 10), sum([[1], [2]], []), min("b", "a"), max([1, 5, 3], key=lambda n: -n)
any([]), all([]), any(n > 2 for n in [1, 2, 3])
{1, 2} | {2, 3}, {1, 2} & {2, 3}, {1, 2} - {2}, {1, 2} ^ {2, 3}, {1} <= {1, 2}
frozenset([1, 2, 1]), set(), len({1, 1.0, True})
{"a": 1, **{"b": 2}}, {"a": 1} | {"a": 2}, dict(zip("ab", [1, 2])), {n: n * n for n in range(4)}
{"a": 1}.get("b", 0), {"a": 1}.setdefault("a", 5), list({"x": 1, "y": 2})
(1,), (), (1, 2) + (3,), (1, 2) < (1, 3), (3, 1, 2).index(1)
[*range(3), *"ab"], (lambda *a, **k: (a, k))(1, 2, x=3)
slice(1, 5, 2), range(0, 10, 3), range(5)[-1], Ellipsis, NotImplemented
type(1), type("a"), type(None), type(type), type(lambda: 0).__name__
isinstance(True, int), issubclass(bool, int), callable(len), hash(1), hash(2 ** 61 - 1)
[n for n in iter([1, 2, 3].pop, 1)], next(iter([5])), next(iter([]), "none")
eval("1 + 1"), [exec("y = 5") or 1], compile("1", "f", "eval").co_filename
(n := 5) + n, [m := 3, m ** 2], 1 if 0 else 2, 1 and 0 or "x", None is None
memoryview(b"abc")[1], int.from_bytes(b"\\x01\\x00", "big"), (1000).to_bytes(2, "little")
(255).bit_length(), (0.75).as_integer_ratio(), (5).__add__(3), float.fromhex("0x1.8p3")
1 < 2 < 3, 1 < 3 > 2, [] == (), "a" != b"a"
"abc".isalpha(), "12".isdigit(), "²".isdigit(), "½".isnumeric(), "a_1".isidentifier()
pow(3, -1, 7), pow(2, 10, 1000), abs(-3), divmod(7.5, 2)
"tab\\tend".expandtabs(4), "abc".startswith(("x", "a")), "www.x.org".strip("w."), "prefix".removeprefix("pre")
format(1234567.891, ",.2f"), format(0.00001234, ".3g"), format(12, "b"), format("x", ">4")
str(1e22), str(123456789012345680.0), 1 / 3, 2 / 3, 5e-324, 1.7976931348623157e308
[1, [2, [3, [4]]]], {"k": [{"d": {}}]}, [[]] * 2, ({},)
""".strip().splitlines()

READERS = {
    "input": "n = input()\nprint(repr(n))",
    "input with a prompt": "n = input('name? ')\nprint('hello', n)",
    "input up to the end": "out = []\ntry:\n    while True:\n        out.append(input())\n"
                           "except EOFError:\n    print(out)",
    "input that meets the end": "for _ in range(100):\n    print(input())",
    "lines": "import sys\nfor line in sys.stdin:\n    print(repr(line))",
    "readline": "import sys\nwhile line := sys.stdin.readline():\n    print(repr(line))",
    "readlines": "import sys\nprint(sys.stdin.readlines())",
    "read": "import sys\nprint(repr(sys.stdin.read()))",
    "read some": "import sys\nprint(repr(sys.stdin.read(5)), repr(sys.stdin.read(1)))",
    "bytes": "import sys\nprint(sys.stdin.buffer.read())",
    "lines of bytes": "import sys\ninput = sys.stdin.buffer.readline\nprint(input(), input())",
    "tokens": "import sys\nprint(sys.stdin.read().split())",
    "numbers": "print(sum(map(int, input().split())))",
    "open(0)": "print(repr(open(0).read()))",
    "os.read": "import os\nprint(os.read(0, 1000))",
    "fileinput": "import fileinput\nfor line in fileinput.input():\n    print(line.strip())",
    "iter": "print(list(iter(input, '')))",
    "io wrapper": "import io, sys\nprint(repr(io.TextIOWrapper(sys.stdin.buffer, newline='').read()))",
    "nothing": "print('reads nothing')",
    "closed": "import sys\nsys.stdin.close()\nprint('closed')",
}  # fmt: skip
INPUTS = [b"", b"1 2 3\n", b"one line without an end", b"a\nb\n\nc\n", b"x\r\ny\r\n",
          "dürüm 日本 👍\n2\n".encode()]  # fmt: skip

EXITS = """
import sys; print("a"); sys.exit()
import sys; print("a"); sys.exit(0)
import sys; print("a"); sys.exit(3)
import sys; print("a"); sys.exit(256)
import sys; print("a"); sys.exit(-1)
import sys; print("a"); sys.exit(True)
import sys; print("a"); sys.exit("words")
import sys; print("a"); sys.exit([1, 2])
import sys; print("a"); sys.exit(None)
import sys; print("a"); sys.exit(2.5)
print("a"); exit()
print("a"); exit(4)
print("a"); quit(5)
print("a"); raise SystemExit
print("a"); raise SystemExit(6)
import os; print("a", flush=True); os._exit(7)
import os; print("never flushed"); os._exit(0)
print("a"); 1 / 0
print("a"); [][1]
print("a"); {}["k"]
print("a"); None.x
print("a"); undefined
print("a"); int("x")
print("a"); assert False, "no"
print("a"); raise Exception("own")
print("a"); raise ValueError from KeyError("k")
print("a"); import nothing_of_this_name
print("a"); "a" + 1
print("a"); open("/nothing/here")
print("a"); next(iter([]))
print("a"); (lambda: (yield))().throw(RuntimeError)
print("a"); str(10 ** 5000)
print("a"); b"\\xff".decode()
print("a"); "\\ud800".encode()
print("a"); print("\\ud800")
print("a"); raise BaseExceptionGroup("g", [ValueError(1)])
def f(): return f()⏎print("a")⏎f()
class E(Exception):⏎    def __str__(self): return "own words"⏎print("a")⏎raise E
try:⏎    1 / 0⏎except ZeroDivisionError as e:⏎    print(repr(e), e.args)
try:⏎    1 / 0⏎finally:⏎    print("finally")
import sys⏎sys.excepthook = lambda *a: print("hooked", a[0].__name__)⏎raise KeyError
import atexit⏎atexit.register(print, "one")⏎atexit.register(print, "two")⏎print("main")
import atexit, sys⏎atexit.register(print, "bye")⏎sys.exit(9)
import atexit⏎atexit.register(lambda: 1 / 0)⏎print("main")
import sys⏎print("out"); print("err", file=sys.stderr); sys.stderr.write("more\\n")
import threading⏎threading.Thread(target=lambda: 1 / 0).start()⏎print("goes on")
import threading, sys⏎t = threading.Thread(target=sys.exit, args=(3,)); t.start(); t.join()⏎print("on")
print("unterminated
def f(:⏎    pass
if True:⏎print("not indented")
return 5
x = 08
print("a")⏎⇥print("tab")
from __future__ import nothing
""".strip().splitlines()

MODULES = """
import math; print(math.pi, math.gcd(12, 18), math.factorial(30), math.comb(50, 6), math.isqrt(99))
import math; print(math.floor(-1.5), math.ceil(1.2), math.hypot(3, 4), math.log2(8), math.fsum([.1] * 10))
import cmath; print(cmath.sqrt(-1), cmath.phase(-1))
import random; random.seed(7); print([random.randint(1, 100) for _ in range(5)], random.random())
import random; r = random.Random("text"); l = list(range(9)); r.shuffle(l); print(l, r.sample(l, 3), r.gauss(0, 1))
import random; random.seed(3); print(random.choice("abc"), random.choices([1, 2], k=5), random.uniform(1, 2))
import datetime as d; print(d.date(2024, 2, 29) + d.timedelta(366), d.datetime(2020, 1, 2, 3, 4, 5).isoformat())
import datetime as d; print(d.datetime.fromtimestamp(0, d.timezone.utc), d.date(2021, 3, 1).strftime("%A %d %B %j"))
import datetime as d; print(d.datetime.strptime("2022-05-06 07:08", "%Y-%m-%d %H:%M"), d.timedelta(hours=25))
import calendar; print(calendar.month(2024, 2), calendar.isleap(1900))
import collections as c; print(c.Counter("abracadabra").most_common(2), c.OrderedDict(a=1), c.defaultdict(int))
import collections as c; q = c.deque([1, 2, 3], 2); q.appendleft(0); print(q, c.ChainMap({1: 2}, {3: 4})[3])
import collections as c; P = c.namedtuple("P", "x y"); p = P(1, y=2); print(p, p._replace(x=5), p.x + p.y)
import itertools as i; print(list(i.permutations("abc", 2)), list(i.combinations(range(4), 3)))
import itertools as i; print(list(i.accumulate([1, 2, 3])), list(i.chain([1], [2])), list(i.islice(i.count(), 3)))
import itertools as i; print([(k, list(g)) for k, g in i.groupby("aabbb")], list(i.product([0, 1], repeat=2)))
import itertools as i; print(list(i.pairwise("abcd")), list(i.zip_longest("ab", "c")), list(i.takewhile(bool, [1, 0])))
import functools as f; print(f.reduce(lambda a, b: a * b, range(1, 6)), f.partial(int, base=2)("101"))
import functools as f; g = f.lru_cache(None)(lambda n: n if n < 2 else g(n - 1) + g(n - 2)); print(g(90), g.cache_info())
import functools as f; print(sorted([3, 1], key=f.cmp_to_key(lambda a, b: b - a)))
import heapq; h = [5, 1, 4]; heapq.heapify(h); heapq.heappush(h, 0); print(heapq.heappop(h), heapq.nlargest(2, h))
import bisect; l = [1, 3, 5]; bisect.insort(l, 4); print(l, bisect.bisect_left(l, 3))
import re; print(re.findall(r"(\\w)(\\d)", "a1 b2"), re.sub(r"(a+)", r"<\\1>", "caat"), re.split(r"[,;]", "a,b;c"))
import re; m = re.match(r"(?P<y>\\d{4})-(\\d\\d)", "2024-05"); print(m.groupdict(), m.span(), re.fullmatch("a*", "b"))
import json; print(json.dumps({"a": [1, None, True, "é"]}), json.loads('{"x": 1.5e3, "y": [false]}'))
import json; print(json.dumps({"b": 1, "a": 2}, indent=2, sort_keys=True, ensure_ascii=False))
from decimal import *; getcontext().prec = 30; print(Decimal(1) / Decimal(7), Decimal("0.1") + Decimal("0.2"))
from decimal import *; print(Decimal("2.675").quantize(Decimal("0.01"), ROUND_HALF_UP), Decimal(2).sqrt())
from fractions import Fraction as F; print(F(1, 3) + F(1, 6), F("0.125"), F(3.5).limit_denominator(10))
import statistics as s; print(s.mean([1, 2, 4]), s.median([3, 1, 2]), s.stdev([1, 2, 3, 4]), s.mode("aab"))
import string; print(string.ascii_lowercase, string.Template("$x!").substitute(x="hi"), string.capwords("a b"))
import textwrap; print(textwrap.fill("the quick brown fox jumps", 10), textwrap.dedent("  a\\n   b"))
import struct; print(struct.pack(">IhB", 1, -2, 3), struct.unpack("<d", bytes(8)), struct.calcsize("@lq"))
import hashlib; print(hashlib.md5(b"a").hexdigest(), hashlib.sha256(b"").hexdigest()[:16], hashlib.blake2b(b"x").hexdigest()[:8])
import base64, binascii; print(base64.b64encode(b"hello"), binascii.hexlify(b"ab"), binascii.crc32(b"abc"))
import zlib, gzip; print(zlib.decompress(zlib.compress(b"a" * 100)) == b"a" * 100, gzip.decompress(gzip.compress(b"z")))
import csv, io; print(list(csv.reader(io.StringIO('a,"b,c"\\n1,2\\n'))))
import csv, sys; w = csv.writer(sys.stdout); w.writerow([1, "x,y", None]); w.writerow(["q\\"uote"])
import io; s = io.StringIO(); print("a", "b", sep="-", end="!", file=s); print(repr(s.getvalue()))
import pprint; pprint.pprint({"k" * 10: list(range(30)), "z": {"n": ["x" * 30] * 3}})
import copy; a = [[1], 2]; b = copy.deepcopy(a); c = copy.copy(a); a[0].append(5); print(a, b, c)
import operator as o; print(o.itemgetter(1, 2)("abc"), o.attrgetter("real")(5), o.mul(3, 4), o.methodcaller("upper")("x"))
import array; a = array.array("i", [1, 2]); a.append(3); print(a, a.itemsize, a.tobytes())
import queue; q = queue.PriorityQueue(); q.put(2); q.put(1); print(q.get(), q.qsize(), q.empty())
import uuid; print(uuid.uuid5(uuid.NAMESPACE_DNS, "x.org"), len(str(uuid.uuid4())))
import secrets; print(len(secrets.token_hex(8)), secrets.compare_digest("a", "a"))
import graphlib; print(list(graphlib.TopologicalSorter({"b": {"a"}, "c": {"b"}}).static_order()))
import difflib; print(list(difflib.unified_diff(["a"], ["b"], lineterm="")), difflib.get_close_matches("appel", ["apple"]))
import html, urllib.parse as u; print(html.escape("<a&b>"), u.quote("a b/é"), u.parse_qs("x=1&x=2"), u.urlparse("http://h/p?q#f").path)
import unicodedata as u; print(u.name("é"), u.normalize("NFD", "é").encode(), u.category("A"))
import shlex; print(shlex.split("a 'b c' d\\\\ e"), shlex.quote("it's"))
import sqlite3; c = sqlite3.connect(":memory:"); c.execute("create table t(a)"); c.execute("insert into t values (5)"); print(c.execute("select a * 2 from t").fetchall())
import inspect; print(inspect.signature(lambda a, *b, c=1, **d: 0), inspect.isfunction(print))
import types; n = types.SimpleNamespace(a=1); n.b = 2; print(n, types.MappingProxyType({1: 2})[1])
import weakref, gc; C = type("C", (), {}); o = C(); r = weakref.ref(o); del o; gc.collect(); print(r())
import logging, sys; logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s"); logging.warning("w"); logging.info("i")
import warnings; warnings.simplefilter("error"); print("a"); warnings.warn("now an error")
import ast; print(ast.dump(ast.parse("x = 1 + y")), ast.literal_eval("[1, {'a': (2,)}]"))
import keyword, token; print(keyword.iskeyword("for"), len(keyword.kwlist) > 30, token.NAME)
import enum; E = enum.Enum("E", "A B"); print(list(E), E["A"].value, E(2).name, E.A is E(1))
import typing as t; print(t.get_type_hints(type("C", (), {"__annotations__": {"a": int}})), t.Optional[int])
import contextlib; s = contextlib.suppress(KeyError); s.__enter__(); print(s.__exit__(KeyError, KeyError(), None))
import contextlib, io; b = io.StringIO(); r = contextlib.redirect_stdout(b); r.__enter__(); print("in"); r.__exit__(None, None, None); print(b.getvalue())
import asyncio; f = lambda: asyncio.gather(*(asyncio.sleep(0, n) for n in range(3))); print(asyncio.run((lambda: __import__("asyncio").wait_for(asyncio.sleep(0, 7), 1))()))
import time; a = time.perf_counter(); b = time.monotonic(); time.sleep(0.001); print(time.perf_counter() > a, time.time() > 1e9, time.process_time() >= 0)
import time; print(time.strftime("%Y", time.gmtime(0)), time.mktime(time.localtime(100)) == 100.0)
import locale, sys; print(sys.getdefaultencoding(), sys.stdout.encoding, sys.maxsize, sys.byteorder)
import sys; print(sys.version_info >= (3, 11), sys.argv[1:], len(sys.argv), sys.argv[0].endswith("main.py"), sys.flags.optimize)
import sys; print(sys.getrecursionlimit(), sys.int_info.default_max_str_digits, sys.float_info.dig, sys.implementation.name)
import sys; sys.set_int_max_str_digits(0); print(len(str(10 ** 6000)), int("9" * 5000) % 7)
import platform, os; print(platform.system(), os.name, os.sep, os.linesep == "\\n", os.path.join("a", "b"))
import pathlib as p; print(p.PurePath("/a/b.tar.gz").suffixes, p.Path("x") / "y", p.PurePosixPath("a/../b"))
import doctest; print(doctest.testmod())
import timeit; print(timeit.timeit("1", number=10) >= 0)
import traceback; print(traceback.format_exception_only(ValueError("x")))
import errno, signal; print(errno.ENOENT, signal.SIGTERM, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
import builtins; print(len(dir(builtins)) > 140, builtins.print is print, __builtins__ is builtins)
import pickle; print(pickle.loads(pickle.dumps({"a": [1, (2, 3)]})), pickle.dumps(1, 0))
import numbers, abc; print(isinstance(1, numbers.Integral), abc.ABC.__name__)
import colorsys, cmd, dis; print(colorsys.rgb_to_hsv(1, 0, 0))
import concurrent.futures as f; e = f.ThreadPoolExecutor(3); print(list(e.map(lambda n: n * n, range(5)))); e.shutdown()
import zoneinfo; print(sorted(zoneinfo.available_timezones())[:0], zoneinfo.ZoneInfo("UTC"))
import tomllib; print(tomllib.loads("a = 1\\n[b]\\nc = [1.5, true]"))
""".strip().splitlines()

WHOLE = [
    'if __name__ == "__main__":\n    print("main")\nelse:\n    print(__name__)',
    "import os\nprint(os.path.basename(__file__), __name__, __doc__, __spec__, __package__)",
    '"""A docstring."""\nprint(__doc__)',
    "x: int = 3\nclass A:\n    y: str\nprint(__annotations__, A.__annotations__)",
    "import __main__\nvalue = 5\nprint(__main__.value)",
    "import pickle\nclass P:\n    def __init__(self): self.a = 1\n"
    "print(pickle.loads(pickle.dumps(P())).a, P.__module__, P.__qualname__)",
    "from dataclasses import *\n@dataclass(order=True)\nclass P:\n    x: int\n    y: list = field("
    "default_factory=list)\nprint(P(1), P(1) < P(2), asdict(P(3, [4])), replace(P(1), x=9))",
    "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int\n"
    "p = P(1)\ntry:\n    p.x = 2\nexcept Exception as e:\n    print(type(e).__name__, e)",
    "import argparse\np = argparse.ArgumentParser(prog='p')\np.add_argument('--n', type=int, default=3)\n"
    "print(p.parse_args().n, p.parse_args(['--n', '5']).n)",
    "import argparse\np = argparse.ArgumentParser()\np.add_argument('needed')\np.parse_args()",
    "import argparse\nargparse.ArgumentParser(prog='p', description='d').parse_args(['-h'])",
    "def gen():\n    got = yield 1\n    print('got', got)\n    try:\n        yield 2\n    finally:\n"
    "        print('closed')\ng = gen()\nprint(next(g), g.send('x'))\ng.close()",
    "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += 1\n        return n\n"
    "    return inner\nf = outer()\nprint(f(), f(), f())",
    "class A:\n    def __init__(self): print('A')\nclass B(A):\n    def __init__(self):\n"
    "        super().__init__()\n        print('B')\nB()\nprint(B.__mro__)",
    "class V:\n    def __init__(s, x): s.x = x\n    def __add__(s, o): return V(s.x + o.x)\n"
    "    def __repr__(s): return f'V({s.x})'\n    def __eq__(s, o): return s.x == o.x\n"
    "    def __hash__(s): return hash(s.x)\nprint(V(1) + V(2), V(1) == V(1), {V(1), V(1)})",
    "class C:\n    @property\n    def p(self): return 5\n    @classmethod\n    def c(cls): return cls\n"
    "    @staticmethod\n    def s(): return 7\nprint(C().p, C.c(), C.s())",
    "class M(type):\n    def __new__(m, n, b, d):\n        d['added'] = n\n"
    "        return super().__new__(m, n, b, d)\nclass C(metaclass=M): pass\nprint(C.added, type(C))",
    "class D:\n    def __del__(self): print('deleted')\nd = D()\ndel d\nprint('after')",
    "class D:\n    def __del__(self): print('at the end')\nd = D()\nprint('main ends')",
    "class C:\n    def __enter__(self): print('in'); return self\n    def __exit__(self, *a):\n"
    "        print('out', a[0]); return True\nwith C():\n    1 / 0\nprint('on')",
    "class L:\n    def __getitem__(self, i):\n        if i > 3: raise IndexError\n        return i * i\n"
    "print(list(L()), 4 in L())",
    "class S:\n    __slots__ = ('a',)\ns = S()\ns.a = 1\ntry:\n    s.b = 2\nexcept AttributeError as e:\n"
    "    print('no b', s.a)",
    "from abc import *\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\ntry:\n    A()\n"
    "except TypeError as e:\n    print(e)",
    "from enum import *\nclass C(IntFlag):\n    R = auto()\n    W = auto()\nprint(C.R | C.W, C(3), int(C.W))",
    "from typing import *\nT = TypeVar('T')\nclass Box(Generic[T]):\n    def __init__(self, v: T): self.v = v\n"
    "print(Box[int](3).v, Box[int])",
    "def f(a, /, b, *, c=3, **k): return a, b, c, k\nprint(f(1, b=2, d=4))\ntry:\n    f(a=1, b=2)\n"
    "except TypeError as e:\n    print(e)",
    "def f(x=[]):\n    x.append(1)\n    return x\nprint(f(), f())",
    "match [1, {'k': 'v'}, 3]:\n    case [int(a), {'k': b}, *rest]:\n        print(a, b, rest)",
    "for n in range(3):\n    if n == 5: break\nelse:\n    print('no break', n)",
    "try:\n    raise ExceptionGroup('g', [ValueError(1), KeyError(2)])\nexcept* ValueError as e:\n"
    "    print(e.exceptions)\nexcept* KeyError as e:\n    print('key', e.exceptions)",
    "try:\n    try:\n        1 / 0\n    except ZeroDivisionError as e:\n        raise KeyError('k') from e\n"
    "except KeyError as e:\n    print(repr(e.__cause__), e.__context__ is e.__cause__)",
    "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(900))",
    "import sys\nsys.setrecursionlimit(20000)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(15000))",
    "def f(n): return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError as e:\n    print('deep', e)",
    "import threading, sys\nsys.setrecursionlimit(10**6)\nthreading.stack_size(64 << 20)\n"
    "def f(n): return 0 if n == 0 else 1 + f(n - 1)\n"
    "t = threading.Thread(target=lambda: print(f(30000)))\nt.start(); t.join()",
    "import threading\nout = []\nts = [threading.Thread(target=out.append, args=(n,)) for n in range(5)]\n"
    "[t.start() for t in ts]\n[t.join() for t in ts]\nprint(sorted(out))",
    "import threading, time\ndef f():\n    time.sleep(0.02)\n    print('late')\n"
    "threading.Thread(target=f).start()\nprint('main ends')",
    "import threading, time\nthreading.Thread(target=lambda: time.sleep(60), daemon=True).start()\nprint('ends')",
    "import threading\nlock = threading.Lock()\ntotal = 0\ndef f():\n    global total\n    for _ in range(100):\n"
    "        with lock: total += 1\nts = [threading.Thread(target=f) for _ in range(3)]\n"
    "[t.start() for t in ts]\n[t.join() for t in ts]\nprint(total)",
    "import asyncio\nasync def f(n):\n    await asyncio.sleep(0)\n    return n\nasync def main():\n"
    "    print(await asyncio.gather(*map(f, range(4))))\nasyncio.run(main())",
    "import asyncio\nasync def main():\n    async for n in agen():\n        print(n)\nasync def agen():\n"
    "    for n in range(3):\n        yield n\nasyncio.run(main())",
    "print('a', end='')\nprint('b', 'c', sep='|', end='!\\n')\nprint()\nprint(*[1, 2], sep='\\n')",
    "import sys\nsys.stdout.write('no newline')",
    "import sys\nprint('x', flush=True)\nsys.stdout.flush()\nprint('y', end='', flush=True)",
    "import sys\nsys.stdout.buffer.write(b'\\xff\\x00raw\\n')\nsys.stdout.buffer.flush()",
    "import sys\nprint('text')\nsys.stdout.flush()\nsys.stdout.buffer.write(b'bytes\\n')",
    "import os\nprint('buffered')\nos.write(1, b'first\\n')",
    "import sys\nsys.stdout.reconfigure(encoding='latin-1', errors='replace')\nprint('é日')",
    "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8', write_through=True)\n"
    "print('wrapped é')",
    "import io, sys\nold, sys.stdout = sys.stdout, io.StringIO()\nprint('caught')\n"
    "got = sys.stdout.getvalue()\nsys.stdout = old\nprint(repr(got))",
    "import sys\nsys.stdout = open(1, 'w', buffering=1, closefd=False)\nprint('line buffered')",
    "for n in range(20000):\n    print(n, n * n)",
    "print('x' * 1_000_000)",
    "import os\nwith open('f.txt', 'w') as f:\n    f.write('one\\ntwo')\n"
    "with open('f.txt') as f:\n    print(f.readlines())\nprint(os.listdir('.').count('f.txt'))",
    "import tempfile, os\nwith tempfile.NamedTemporaryFile('w+', delete=False) as f:\n    f.write('t')\n"
    "print(open(f.name).read(), os.path.getsize(f.name))\nos.unlink(f.name)",
    "from pathlib import Path\np = Path('d/e')\np.mkdir(parents=True)\n(p / 'f').write_bytes(b'12')\n"
    "print([str(q) for q in sorted(Path('d').rglob('*'))], (p / 'f').stat().st_size)",
    "import shelve, shutil, os\nos.mkdir('k')\nopen('k/a', 'w').close()\nshutil.copytree('k', 'l')\n"
    "print(os.listdir('l'))\nshutil.rmtree('k')\nprint(os.path.exists('k'))",
    "import subprocess\nprint(subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout)",
    "import subprocess\nprint(subprocess.run(['cat'], input=b'through', stdout=subprocess.PIPE).stdout)",
    "import os\nr, w = os.pipe()\npid = os.fork()\nif pid == 0:\n    os.write(w, b'child')\n    os._exit(0)\n"
    "os.waitpid(pid, 0)\nprint(os.read(r, 10))",
    "import os\nprint(os.getpid() == os.getpid(), 'HOME' in os.environ, os.path.isdir(os.getcwd()))",
    "import signal\nsignal.signal(signal.SIGALRM, lambda *a: print('rang'))\nsignal.setitimer("
    "signal.ITIMER_REAL, 0.01)\nsignal.pause()\nprint('on')",
    "import signal, os\nsignal.signal(signal.SIGUSR1, lambda *a: print('sent'))\n"
    "os.kill(os.getpid(), signal.SIGUSR1)\nprint('on')",
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\nunittest.main()",
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 2)\nunittest.main()",
    "exec('def f():\\n    return 6 * 7')\nprint(f())\nns = {}\nexec('a = 1', ns)\nprint(ns['a'])",
    "print([k for k in globals() if not k.startswith('_')])\nx = 1\nprint('x' in globals(), 'x' in vars())",
    "import sys\nprint(sys.modules['__main__'].__name__, 'os' in sys.modules, 'numpy' in sys.modules)",
    "from __future__ import annotations\ndef f(x: Nothing) -> None: ...\nprint(f.__annotations__)",
    "# -*- coding: utf-8 -*-\nprint('é')",
    "\ufeffprint('a byte order mark')",
    "print('ends in a comment')  # é",
    "print('crlf')\r\nprint('lines')\r\n",
    "def f():\n\tif True:\n\t\treturn 'tabs'\nprint(f())",
    "x = '''a\n  b'''\nprint(repr(x))",
    "λ = lambda ξ: ξ ** 2\nprint(λ(5))",
    "import this",
    "",
    "# only a comment",
    "pass",
    "print(sum(n for n in range(10**6) if n % 3 == 0))",
    "def sieve(n):\n    ok = bytearray([1]) * (n + 1)\n    for p in range(2, n + 1):\n        if ok[p]:\n"
    "            yield p\n            ok[p*p::p] = bytes(len(ok[p*p::p]))\nprint(sum(sieve(10000)))",
    "n = 27\nsteps = 0\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n    steps += 1\nprint(steps)",
    "import sys\nprint('closed by hand')\nsys.stdout.close()",
    "import sys\nsys.stdout = None\nprint('to nobody')",
    "import codecs, sys\nsys.stdout = codecs.getwriter('utf8')(sys.stdout.detach())\nprint('é')",
    "import os, sys\nclass Out:\n    def __init__(self): self.said = []\n    def write(self, s): self.said.append(s)\n"
    "    def flush(self):\n        os.write(1, ''.join(self.said).encode())\n        self.said = []\n"
    "sys.stdout = Out()\nprint('flushed by what the program defines')",
    "import os, sys\nlimit = 3\nclass D:\n    def __del__(self): os.write(1, b'%d\\n' % limit)\nd = D()\nkept = [D(), d]",
    "import sys\nlog = []\nclass D:\n    def __del__(self): log.append(1); sys.stdout.write(f'{log}\\n')\nd, e = D(), D()",
    "import ctypes\nctypes.CDLL(None).puts(b'printed by C')",
    "raise SystemExit(10 ** 30)",
    "import sys\nsys.exit(-(10 ** 30))",
    "import random\nprint(0 <= random.random() < 1)",
    "import sys\na = [[int(i == j) for j in range(5)] for i in range(5)]\nfor r in a:\n    print(*r)\n"
    "sys.stdout.write(f'{len(a)}\\n')",
]  # fmt: skip

ENCODINGS = ["ascii", "utf-8", "utf-16", "utf-32-le", "latin-1", "cp1252", "koi8-r", "big5", "gb18030",
             "shift_jis", "euc-kr", "utf-7", "idna", "punycode", "rot13", "hex"]  # fmt: skip


def programs() -> Iterator[Honest]:
    """All of them."""
    for one in EXPRESSIONS:
        yield Honest("expressions", f"print({one})" if ":=" not in one else f"print(({one}))")
    for code in READERS.values():
        for stdin in INPUTS:
            yield Honest("stdin", code, stdin)
    for line in EXITS:
        yield Honest("exits", line.replace("⏎", "\n").replace("⇥", "\t"))
    yield from (Honest("modules", line) for line in MODULES)
    yield from (Honest("whole", code) for code in WHOLE)
    for name in ENCODINGS:
        yield Honest("encodings", f"import codecs\nprint(codecs.encode({_sample(name)}, {name!r}))")


def _sample(name: str) -> str:
    if name == "hex":
        return "b'ab'"
    return "'plain'" if name in ("ascii", "idna", "rot13") else "'Ab 1'"
