package main

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The standard's own examples: three requests of one connection, Huffman
// coded, each leaning on the table that those before have filled.
func TestDecodesTheStandardsRequests(t *testing.T) {
	d := newHpackDecoder()
	for _, c := range []struct {
		block string
		want  []headerField
	}{
		{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", []headerField{
			{":method", "GET"}, {":scheme", "http"}, {":path", "/"},
			{":authority", "www.example.com"}}},
		{"8286 84be 5886 a8eb 1064 9cbf", []headerField{
			{":method", "GET"}, {":scheme", "http"}, {":path", "/"},
			{":authority", "www.example.com"},
			{"cache-control", "no-cache"}}},
		{"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
			[]headerField{{":method", "GET"}, {":scheme", "https"},
				{":path", "/index.html"}, {":authority", "www.example.com"},
				{"custom-key", "custom-value"}}},
	} {
		got, err := d.decode(unhex(t, c.block))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

func TestDecodesItsOwnRequestBlocks(t *testing.T) {
	fields := []headerField{{":method", "POST"}, {":path", "/a/b"},
		{"te", "trailers"}, {":scheme", "https"},
		{"authorization", "Bearer " + strings.Repeat("k", 200)}}
	for _, remember := range []bool{true, false} {
		d := newHpackDecoder()
		first, later := requestBlocks(fields, remember)
		for _, block := range [][]byte{first, later, later} {
			got, err := d.decode(block)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, fields) {
				t.Errorf("got %v, want %v", got, fields)
			}
		}
		if remember && len(later) != len(fields) {
			t.Errorf("%d bytes to point at %d fields", len(later),
				len(fields))
		}
	}
}

func TestForgetsTheOldestFieldsWhenTheTableIsFull(t *testing.T) {
	d := newHpackDecoder()
	value := strings.Repeat("v", 1000)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		block := appendString([]byte{0x40}, name)
		if _, err := d.decode(appendString(block, value)); err != nil {
			t.Fatal(err)
		}
	}
	// Three fields of 1033 bytes fit into 4096.
	for i, want := range []string{"e", "d", "c"} {
		got, err := d.decode([]byte{0x80 | byte(62+i)})
		if err != nil || got[0].name != want {
			t.Errorf("field %d is %v, %v; want %s", 62+i, got, err, want)
		}
	}
	if _, err := d.decode([]byte{0x80 | 65}); err == nil {
		t.Error("a forgotten field was found")
	}
}

func TestRefusesMalformedBlocks(t *testing.T) {
	for _, block := range []string{
		"80",             // no field 0
		"be",             // nothing is remembered yet
		"40",             // ends before the name
		"0085",           // ends before the text
		"3fffffffffff7f", // an integer without end
		"3fe2ff03",       // a table larger than allowed
		"00810061",       // a name of nothing but filling zeros
	} {
		if got, err := newHpackDecoder().decode(unhex(t, block)); err == nil {
			t.Errorf("%s was decoded as %v", block, got)
		}
	}
}
