package main

import "strings"

// huffmanBits is the length of each byte's code. The code is canonical:
// shorter codes come first and equal lengths follow the order of the bytes, so
// that the lengths say everything.
var huffmanBits = [256]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
}

const (
	huffmanBitsMin = 5
	huffmanBitsMax = 30
)

// For each length: its first code, and the bytes of that length in order.
var (
	huffmanFirst   [huffmanBitsMax + 1]uint32
	huffmanSymbols [huffmanBitsMax + 1][]byte
)

func init() {
	code := uint32(0)
	for bits := 1; bits <= huffmanBitsMax; bits++ {
		code <<= 1
		huffmanFirst[bits] = code
		for symbol, length := range huffmanBits {
			if int(length) == bits {
				huffmanSymbols[bits] = append(huffmanSymbols[bits],
					byte(symbol))
				code++
			}
		}
	}
}

func decodeHuffman(p []byte) (string, error) {
	var text strings.Builder
	var code uint32
	bits := 0
	for _, b := range p {
		for mask := byte(0x80); mask != 0; mask >>= 1 {
			code <<= 1
			if b&mask != 0 {
				code |= 1
			}
			if bits++; bits > huffmanBitsMax {
				return "", errHpack
			}
			if bits < huffmanBitsMin {
				continue
			}
			n := code - huffmanFirst[bits]
			if code >= huffmanFirst[bits] &&
				int(n) < len(huffmanSymbols[bits]) {
				text.WriteByte(huffmanSymbols[bits][n])
				code, bits = 0, 0
			}
		}
	}
	// The last byte is filled up with ones, at most seven.
	if bits > 7 || code != 1<<bits-1 {
		return "", errHpack
	}
	return text.String(), nil
}
