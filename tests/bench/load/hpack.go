package main

import (
	"errors"
	"fmt"
)

// HPACK, as far as a load driver needs it. Requests of one connection carry
// the same few fields, so the encoder is two prepared blocks (see
// requestBlocks); what a server answers must be decoded in full.

// headerTableBytes is the size of the dynamic table when nothing else has been
// agreed.
const headerTableBytes = 4096

type headerField struct{ name, value string }

func (f headerField) size() int { return len(f.name) + len(f.value) + 32 }

// The fields that every peer knows; number 1 is the first.
var staticTable = []headerField{
	{":authority", ""}, {":method", "GET"}, {":method", "POST"},
	{":path", "/"}, {":path", "/index.html"}, {":scheme", "http"},
	{":scheme", "https"}, {":status", "200"}, {":status", "204"},
	{":status", "206"}, {":status", "304"}, {":status", "400"},
	{":status", "404"}, {":status", "500"}, {"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"}, {"accept-language", ""},
	{"accept-ranges", ""}, {"accept", ""},
	{"access-control-allow-origin", ""}, {"age", ""}, {"allow", ""},
	{"authorization", ""}, {"cache-control", ""},
	{"content-disposition", ""}, {"content-encoding", ""},
	{"content-language", ""}, {"content-length", ""},
	{"content-location", ""}, {"content-range", ""}, {"content-type", ""},
	{"cookie", ""}, {"date", ""}, {"etag", ""}, {"expect", ""},
	{"expires", ""}, {"from", ""}, {"host", ""}, {"if-match", ""},
	{"if-modified-since", ""}, {"if-none-match", ""}, {"if-range", ""},
	{"if-unmodified-since", ""}, {"last-modified", ""}, {"link", ""},
	{"location", ""}, {"max-forwards", ""}, {"proxy-authenticate", ""},
	{"proxy-authorization", ""}, {"range", ""}, {"referer", ""},
	{"refresh", ""}, {"retry-after", ""}, {"server", ""},
	{"set-cookie", ""}, {"strict-transport-security", ""},
	{"transfer-encoding", ""}, {"user-agent", ""}, {"vary", ""}, {"via", ""},
	{"www-authenticate", ""},
}

var errHpack = errors.New("malformed header block")

// hpackDecoder keeps what one peer's header blocks have added so far.
type hpackDecoder struct {
	dynamic  []headerField // oldest first
	size     int
	sizeMax  int
	sizeHard int // what our settings allow
	fields   []headerField
}

func newHpackDecoder() *hpackDecoder {
	return &hpackDecoder{sizeMax: headerTableBytes, sizeHard: headerTableBytes}
}

// decode returns the fields of a whole block, valid until the next call.
func (d *hpackDecoder) decode(p []byte) ([]headerField, error) {
	d.fields = d.fields[:0]
	for len(p) > 0 {
		var err error
		switch first := p[0]; {
		case first&0x80 != 0: // indexed
			p, err = d.indexed(p)
		case first&0xe0 == 0x20: // new size of the table
			var n int
			if n, p, err = readInteger(p, 5); err == nil {
				if n > d.sizeHard {
					return nil, errHpack
				}
				d.sizeMax = n
				d.evict(0)
			}
		case first&0xc0 == 0x40: // to be remembered
			p, err = d.literal(p, 6, true)
		default: // not to be remembered
			p, err = d.literal(p, 4, false)
		}
		if err != nil {
			return nil, err
		}
	}
	return d.fields, nil
}

func (d *hpackDecoder) indexed(p []byte) ([]byte, error) {
	n, p, err := readInteger(p, 7)
	if err != nil {
		return nil, err
	}
	f, err := d.field(n)
	if err != nil {
		return nil, err
	}
	d.fields = append(d.fields, f)
	return p, nil
}

func (d *hpackDecoder) literal(p []byte, prefix uint, keep bool) (
	[]byte, error) {
	n, p, err := readInteger(p, prefix)
	if err != nil {
		return nil, err
	}
	var f headerField
	if n == 0 {
		f.name, p, err = readString(p)
	} else {
		f, err = d.field(n)
	}
	if err != nil {
		return nil, err
	}
	if f.value, p, err = readString(p); err != nil {
		return nil, err
	}
	if keep {
		d.evict(f.size())
		if d.size+f.size() <= d.sizeMax {
			d.dynamic = append(d.dynamic, f)
			d.size += f.size()
		}
	}
	d.fields = append(d.fields, f)
	return p, nil
}

func (d *hpackDecoder) field(n int) (headerField, error) {
	if n >= 1 && n <= len(staticTable) {
		return staticTable[n-1], nil
	}
	i := len(d.dynamic) - (n - len(staticTable))
	if n < 1 || i < 0 {
		return headerField{}, fmt.Errorf("%w: no field %d", errHpack, n)
	}
	return d.dynamic[i], nil
}

// evict forgets the oldest until there is room for so many bytes.
func (d *hpackDecoder) evict(room int) {
	n := 0
	for n < len(d.dynamic) && d.size+room > d.sizeMax {
		d.size -= d.dynamic[n].size()
		n++
	}
	d.dynamic = append(d.dynamic[:0], d.dynamic[n:]...)
}

func readInteger(p []byte, prefix uint) (int, []byte, error) {
	if len(p) == 0 {
		return 0, nil, errHpack
	}
	mask := 1<<prefix - 1
	n := int(p[0]) & mask
	p = p[1:]
	if n < mask {
		return n, p, nil
	}
	for shift := uint(0); len(p) > 0 && shift <= 21; shift += 7 {
		b := p[0]
		p = p[1:]
		n += int(b&0x7f) << shift
		if b&0x80 == 0 {
			return n, p, nil
		}
	}
	return 0, nil, errHpack
}

func appendInteger(b []byte, first byte, prefix uint, n int) []byte {
	mask := 1<<prefix - 1
	if n < mask {
		return append(b, first|byte(n))
	}
	b = append(b, first|byte(mask))
	for n -= mask; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func readString(p []byte) (string, []byte, error) {
	if len(p) == 0 {
		return "", nil, errHpack
	}
	huffman := p[0]&0x80 != 0
	n, p, err := readInteger(p, 7)
	if err != nil || n > len(p) {
		return "", nil, errHpack
	}
	if !huffman {
		return string(p[:n]), p[n:], nil
	}
	text, err := decodeHuffman(p[:n])
	return text, p[n:], err
}

func appendString(b []byte, s string) []byte {
	return append(appendInteger(b, 0, 7, len(s)), s...)
}

// requestBlocks returns the header block of a connection's first request,
// which makes the peer remember its fields, and that of all later ones, which
// only points at them: what a client library's encoder arrives at. With a
// peer that remembers nothing, both are spelled out.
func requestBlocks(fields []headerField, remember bool) (first, later []byte) {
	added := 0
	for _, f := range fields {
		if n := staticIndex(f); n > 0 {
			first = appendInteger(first, 0x80, 7, n)
			continue
		}
		if remember {
			first = append(first, 0x40)
			added++
		} else {
			first = append(first, 0)
		}
		first = appendString(appendString(first, f.name), f.value)
	}
	if !remember {
		return first, first
	}
	for _, f := range fields {
		if n := staticIndex(f); n > 0 {
			later = appendInteger(later, 0x80, 7, n)
			continue
		}
		later = appendInteger(later, 0x80, 7, len(staticTable)+added)
		added--
	}
	return first, later
}

func staticIndex(f headerField) int {
	for i, s := range staticTable {
		if s == f {
			return i + 1
		}
	}
	return 0
}
