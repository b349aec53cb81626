"""HPACK (RFC 7541), as far as a client needs it that wants to say anything.

    block = hpack.literal(":path", "/x") + hpack.literal("te", "trailers")
    decoder = hpack.Decoder()
    fields = decoder.decode(block)      # A list of pairs of bytes.
    decoder.never_indexed               # Names that nobody is to remember.

What is written is never compressed unless a test asks for it, so that every
field stands on the wire as it was given, whether HTTP/2 allows it or not. What
is read may be compressed in any way.
"""

_STATIC = (
    "|:authority||:method|GET|:method|POST|:path|/|:path|/index.html|:scheme|"
    "http|:scheme|https|:status|200|:status|204|:status|206|:status|304|"
    ":status|400|:status|404|:status|500|accept-charset||accept-encoding|"
    "gzip, deflate|accept-language||accept-ranges||accept||"
    "access-control-allow-origin||age||allow||authorization||cache-control||"
    "content-disposition||content-encoding||content-language||content-length||"
    "content-location||content-range||content-type||cookie||date||etag||"
    "expect||expires||from||host||if-match||if-modified-since||"
    "if-none-match||if-range||if-unmodified-since||last-modified||link||"
    "location||max-forwards||proxy-authenticate||proxy-authorization||range||"
    "referer||refresh||retry-after||server||set-cookie||"
    "strict-transport-security||transfer-encoding||user-agent||vary||via||"
    "www-authenticate|").encode().split(b"|")[1:]
_STATIC = list(zip(_STATIC[::2], _STATIC[1::2]))
STATIC_SIZE = len(_STATIC)
# Of a table's entry, beside its name and value.
_OVERHEAD_BYTES = 32

# How many bits the Huffman code of each byte has, and last of the end: `a` for
# 5, `z` for 30. The code is canonical, so these say all.
_BITS = (
    "isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhf"
    "ibccccccccccccccccccccccdcdioijbkabababbbaccbbbabcbaabccccckgjix"
    "prpprrrsrssssststtrstssssqrsrsstrqprrssqsrrtqrssqqrqsrssprrrsrrs"
    "vvporsruvvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwv"
    "z")


def _huffman_codes():
    """The byte of each code, by its length and value."""
    codes = {}
    code = last = 0
    for bits, byte in sorted((ord(c) - ord("a") + 5, i)
                             for i, c in enumerate(_BITS)):
        code <<= bits - last
        last = bits
        codes[bits, code] = byte
        code += 1
    return codes


_CODES = _huffman_codes()


def _unhuffman(data):
    text = bytearray()
    bits = code = 0
    for byte in data:
        for i in range(7, -1, -1):
            code = code << 1 | byte >> i & 1
            bits += 1
            if (bits, code) in _CODES:
                text.append(_CODES[bits, code])
                bits = code = 0
    if bits > 7 or code != (1 << bits) - 1:
        raise ValueError("the padding of a Huffman code is wrong")
    return bytes(text)


def integer(value, prefix_bits, flags=0):
    """An integer behind the flags in its first byte."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([flags | value])
    out = bytearray([flags | most])
    value -= most
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value):
    """A string as it is."""
    value = value.encode("latin-1") if isinstance(value, str) else value
    return integer(len(value), 7) + value


def literal(name, value, into_table=False):
    """A field that stands there in full; perhaps the table takes it in."""
    return bytes([0x40 if into_table else 0]) + text(name) + text(value)


def indexed(index):
    """A field of the tables; STATIC_SIZE + 1 is the one taken in last."""
    return integer(index, 7, 0x80)


class Decoder:
    """Reads the blocks of one connection, in their order."""

    def __init__(self, table_bytes=4096):
        self._table = []  # Newest first.
        self._bytes_max = table_bytes
        self.never_indexed = []  # Of the last block, RFC 7541 §6.2.3.
        self._data = b""
        self._at = 0

    def decode(self, block):
        """Pairs of name and value."""
        self._data = block
        self._at = 0
        self.never_indexed = []
        fields = []
        while self._at < len(block):
            first = block[self._at]
            if first & 0x80:
                fields.append(self._entry(self._integer(7)))
            elif first & 0x40:
                fields.append(self._literal(6))
                self._table.insert(0, fields[-1])
                self._evict()
            elif first & 0x20:
                self._bytes_max = self._integer(5)
                self._evict()
            else:
                fields.append(self._literal(4))
                if first & 0x10:
                    self.never_indexed.append(fields[-1][0])
        return fields

    def _literal(self, prefix_bits):
        index = self._integer(prefix_bits)
        name = self._entry(index)[0] if index else self._text()
        return name, self._text()

    def _entry(self, index):
        if index <= STATIC_SIZE:
            return _STATIC[index - 1]
        return self._table[index - STATIC_SIZE - 1]

    def _evict(self):
        while sum(len(name) + len(value) + _OVERHEAD_BYTES
                  for name, value in self._table) > self._bytes_max:
            self._table.pop()

    def _integer(self, prefix_bits):
        most = (1 << prefix_bits) - 1
        value = self._data[self._at] & most
        self._at += 1
        if value < most:
            return value
        shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _text(self):
        compressed = self._data[self._at] & 0x80
        size = self._integer(7)
        data = self._data[self._at:self._at + size]
        self._at += size
        return _unhuffman(data) if compressed else data
